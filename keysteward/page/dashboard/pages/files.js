// Files: answers that tools asked to have kept, to download and to delete.

import { html, useEffect, useState } from "../vendor/view.js";
import { ask, tell } from "../core/api.js";
import { useAsked } from "../core/asked.js";
import { Action, Cell, Code, Confirm, Empty, Page, say, Shown, Table, useAct, When, Wrong } from "../core/parts.js";
import { bytes } from "../core/words.js";

const FILES = `query ($after: Cursor) {
  files(first: 50, after: $after) {
    nodes { id name contentType bytes providerName tool call madeAt }
    pageInfo { hasNextPage endCursor }
  }
}`;
const TOOLS = `{ tools { id name } }`;
const EXAMPLE = `curl ${location.origin}/via/elevenlabs/v1/text-to-speech/VOICE \\
  -H "xi-api-key: kst_…" -H "keysteward-save-as: hello.mp3" \\
  --json '{"text": "Hello", "model_id": "eleven_flash_v2_5"}' -o hello.mp3`;

export default function Files() {
  const asked = useAsked(FILES);
  const tools = useAsked(TOOLS);
  const [more, putMore] = useState([]);
  const [doomed, put] = useState(null);
  const [next, busy, problem] = useAct(async (after) => {
    const { files } = await ask(FILES, { after });
    putMore((all) => [...all, files]);
  });
  // What was shown further down goes only with what stands above it: not whenever that is asked for.
  const newest = asked.data?.files.nodes.map((file) => file.id).join();
  useEffect(() => putMore([]), [newest]);
  const again = () => { putMore([]); asked.reload(); };
  const names = new Map((tools.data?.tools ?? []).map((tool) => [tool.id, tool.name]));
  return html`<${Page} title="Files" lead="Answers that a tool asked to have kept. Of all others nothing stays but what they cost.">
    <${Shown} asked=${asked}>${({ files }) => {
      const pages = [files, ...more];
      const nodes = pages.flatMap((page) => page.nodes);
      const { pageInfo } = pages.at(-1);
      if (nodes.length === 0) {
        return html`<${Empty} title="Nothing is kept"><p>A tool keeps an answer by naming it:</p><${Code} text=${EXAMPLE} label="An example" /></${Empty}>`;
      }
      return html`<div class="card"><${Table} caption="Your files, newest first" heads=${["Name", "Type", { label: "Size", numeric: true }, "Provider", "Tool", "Kept", { label: "What to do", hidden: true }]}>
        ${nodes.map((file) => html`<tr key=${file.id}>
          <${Cell} head="Name"><span class="mono">${file.name}</span></${Cell}>
          <${Cell} head="Type">${file.contentType}</${Cell}>
          <${Cell} head="Size" numeric>${bytes(file.bytes)}</${Cell}>
          <${Cell} head="Provider">${file.providerName}</${Cell}>
          <${Cell} head="Tool">${names.get(file.tool) ?? html`<span class="quiet">revoked</span>`}</${Cell}>
          <${Cell} head="Kept"><${When} at=${file.madeAt} /></${Cell}>
          <${Cell}><div class="actions"><a class="button" href=${`/files/${file.id}`} aria-label=${`Download ${file.name}`}>Download</a>
            <${Action} label=${`Delete ${file.name}`} onPress=${() => put(file)}>Delete</${Action}></div></${Cell}>
        </tr>`)}</${Table}>
        <${Wrong} of=${problem} />
        ${pageInfo.hasNextPage && html`<div><${Action} busy=${busy} onPress=${() => next(pageInfo.endCursor)}>Show more</${Action}></div>`}
      </div>`;
    }}</${Shown}>
    ${doomed && html`<${Delete} of=${doomed} onClose=${() => put(null)} done=${again} />`}
  </${Page}>`;
}

function Delete({ of, onClose, done }) {
  const act = async () => {
    await tell("deleteFile", { id: of.id }, "... on FileDeleted { id }");
    say(`${of.name} is deleted.`);
    onClose();
    done();
  };
  return html`<${Confirm} title="Delete this file" button="Delete it" act=${act} onClose=${onClose}>
    <p><span class="mono">${of.name}</span>, ${bytes(of.bytes)}, goes for good: there is no copy of it here.</p>
  </${Confirm}>`;
}
