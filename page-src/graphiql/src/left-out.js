// Stands in for parts of prettier that nothing on this page calls; vite.config.js says which.
export const parsers = {};
export const printers = {};
