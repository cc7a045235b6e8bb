// Hands the browser a file that was made in the page: it goes to no server and into no address.

const KEPT_FOR = 10_000;

/** Have a text saved under a name; `kind` is its media type. */
export function save(name, kind, text) {
  const address = URL.createObjectURL(new Blob([text], { type: kind }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), KEPT_FOR);
}
