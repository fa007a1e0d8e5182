// SPDX-License-Identifier: Apache-2.0
// Completion of a prompt from the vocabulary. Names of several words are matched from their first word on.

export interface Completion {
  from: number; // where the replaced text begins; it ends at the caret
  word: string;
}

const MOST = 6;
const MOST_WORDS = 3;
const LEAST_LETTERS = 2;

export function completions(text: string, caret: number, vocabulary: readonly string[]): Completion[] {
  if (/^[\p{L}\p{N}]/u.test(text.slice(caret))) return []; // inside a word
  const found = new Map<string, Completion>();
  for (let words = MOST_WORDS; words > 0; --words) {
    const tail = lastWords(text.slice(0, caret), words);
    if (tail.length < LEAST_LETTERS) continue;
    const typed = tail.toLowerCase();
    for (const word of vocabulary) {
      if (word.startsWith(typed) && word !== typed && !found.has(word)) found.set(word, { from: caret - tail.length, word });
    }
  }
  return [...found.values()].slice(0, MOST);
}

/** The last words of a text, up to `count`; empty if there are fewer. */
function lastWords(text: string, count: number): string {
  const pattern = new RegExp(`(?:^|[^\\p{L}\\p{N}'-])((?:[\\p{L}\\p{N}'-]+ ){${count - 1}}[\\p{L}\\p{N}'-]+)$`, "u");
  return pattern.exec(text)?.[1] ?? "";
}

/** Puts `near` in the place of each `word`. */
export function replaceWord(text: string, word: string, near: string): string {
  const escaped = word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return text.replace(new RegExp(`(?<![\\p{L}\\p{N}])${escaped}(?![\\p{L}\\p{N}])`, "giu"), () => near);
}
