// SPDX-License-Identifier: Apache-2.0
// Bytes that the HTML file holds as base64 in a script element of type text/plain.

/** The bytes of the element `id`, unpacked if they are gzip. The element is removed, to free its memory. */
export async function inlinedBytes(id: string, gzip: boolean): Promise<Uint8Array<ArrayBuffer>> {
  const element = document.getElementById(id);
  if (!element) throw new Error(`This file is damaged: it has no part "${id}".`);
  const text = atob((element.textContent ?? "").trim());
  element.remove();
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; ++i) bytes[i] = text.charCodeAt(i);
  if (!gzip) return bytes;
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(unpacked).arrayBuffer());
}
