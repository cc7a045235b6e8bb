// GraphiQL keeps its tabs, variables and history in localStorage unless it is handed a storage of
// another kind. People type passwords and provider keys into this page, and localStorage is plain
// text on the disk, readable by every script of the origin, and stays after signing out. So
// GraphiQL's storage is this Map: it lives as long as the page does.

const kept = new Map();

export const memory = {
  getItem: (name) => kept.get(name) ?? null,
  setItem: (name, value) => void kept.set(name, value),
  removeItem: (name) => void kept.delete(name),
  clear: () => kept.clear(),
  get length() {
    return kept.size;
  },
};
