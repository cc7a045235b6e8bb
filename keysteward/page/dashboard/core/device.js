// A browser's own words (User-Agent), as a person would say them. A guess for the eye: anybody can
// send any words, so those stand beneath it wherever it is shown, and nothing is decided by it.

// The first that fits counts: nearly every browser claims to be some older ones as well.
const BROWSERS = [
  [/\bEdg(?:A|iOS)?\/(\d+)/, "Edge"],
  [/\bOPR\/(\d+)/, "Opera"],
  [/\bSamsungBrowser\/(\d+)/, "Samsung Internet"],
  [/\b(?:Firefox|FxiOS)\/(\d+)/, "Firefox"],
  [/\bHeadlessChrome\/(\d+)/, "Chrome without a window"],
  [/\b(?:Chrome|CriOS)\/(\d+)/, "Chrome"],
  [/\bVersion\/(\d+).*\bSafari\//, "Safari"],
  [/^curl\//, "curl"],
  [/^python-httpx\//, "A Python program"],
];
const SYSTEMS = [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b/, "macOS"],
  [/\bLinux\b/, "Linux"],
];

/** "Firefox 140 on Windows"; "An unknown browser" where nothing of that is found. */
export function deviceOf(words) {
  const [pattern, browser] = BROWSERS.find(([each]) => each.test(words)) ?? [];
  const system = SYSTEMS.find(([each]) => each.test(words))?.[1];
  const version = browser && pattern.exec(words)[1];
  const named = browser ?? (system ? "A browser" : "An unknown browser");
  return [named, version, system && `on ${system}`].filter(Boolean).join(" ");
}
