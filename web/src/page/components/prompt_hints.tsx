// SPDX-License-Identifier: Apache-2.0
// Under the prompt: examples while it is empty, words that the prior does not know otherwise.

import { useEffect, useState } from "preact/hooks";
import { checkPrompt } from "../core/api";
import { replaceWord } from "../core/completion";
import { fill, form, optionList } from "../core/form";
import { useSelect, useValue } from "../core/signal";
import type { PromptCheck, Vocabulary } from "../core/types";

const PAUSE = 400; // milliseconds after the last key
const MOST = 2; // unknown words with near ones that are shown

export function Examples({ vocabulary }: { vocabulary: Vocabulary | undefined }) {
  return (
    <div class="examples">
      <p>Try one of these</p>
      <ul>
        {(vocabulary?.examples ?? []).slice(0, 3).map((example) => (
          <li key={example}>
            <button type="button" class="chip" onClick={() => fill({ prompt: example })}>
              {example}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

interface Checked extends PromptCheck {
  prompt: string;
}

/** The newest answer about the prompt, or about an earlier form of it; nothing while another prior is chosen. */
function useCheck(prompt: string): Checked | undefined {
  const changedPrior = useSelect(form, ({ changed }) => changed["model_key"]);
  const presetPrior = useValue(optionList).find((option) => option.name === "model_key")?.value ?? "";
  const embedded = (changedPrior ?? presetPrior) === "";
  const [check, setCheck] = useState<Checked>();
  useEffect(() => {
    if (!embedded || prompt.trim() === "") return setCheck(undefined);
    const ended = new AbortController();
    const timer = setTimeout(() => {
      checkPrompt(prompt.trim(), ended.signal).then(
        (check) => setCheck({ ...check, prompt }),
        () => {}, // the run is checked again
      );
    }, PAUSE);
    return () => {
      clearTimeout(timer);
      ended.abort();
    };
  }, [prompt, embedded]);
  return check;
}

type Unknown = PromptCheck["unknown"];

/** The unknown words that are still there, without the last one while it is the beginning of a known word. */
function stillUnknown(unknown: Unknown, prompt: string, vocabulary: Vocabulary | undefined): Unknown {
  const words = prompt.toLowerCase().split(/[^\p{L}\p{N}'-]+/u);
  const last = words.at(-1)!;
  const begun = [...(vocabulary?.names ?? []), ...(vocabulary?.colours ?? [])].some((word) => word.startsWith(last));
  return unknown.filter(({ word }) => words.includes(word.toLowerCase()) && !(begun && word.toLowerCase() === last));
}

interface PromptHintsProps {
  id: string;
  vocabulary: Vocabulary | undefined;
  first: boolean; // there are no runs yet, and the examples stand in the middle
}

export function PromptHints({ id, vocabulary, first }: PromptHintsProps) {
  const prompt = useSelect(form, (value) => value.prompt);
  const check = useCheck(prompt);
  if (prompt === "") {
    return (
      <div class="hints" id={id}>
        {first ? (
          <p class="quiet">Name a thing, and its colour if you like. Known words are completed as you type.</p>
        ) : (
          <Examples vocabulary={vocabulary} />
        )}
      </div>
    );
  }
  const unknown = stillUnknown(check?.unknown ?? [], prompt, vocabulary);
  const replaceable = unknown.filter(({ near }) => near.length > 0).slice(0, MOST);
  const others = unknown.filter((each) => !replaceable.includes(each)).map(({ word }) => word);
  return (
    <div class="hints" id={id} role="status">
      {check?.prompt === prompt && check.unknown.length === 0 && <p class="quiet">Every word is known.</p>}
      {replaceable.map(({ word, near }) => (
        <p key={word}>
          <b>{word}</b> is not known. Did you mean
          {near.slice(0, 3).map((each) => (
            <button
              type="button"
              class="chip"
              key={each}
              aria-label={`Replace ${word} by ${each}`}
              onClick={() => fill({ prompt: replaceWord(prompt, word, each) })}
            >
              {each}
            </button>
          ))}
        </p>
      ))}
      {unknown.length > 0 && check?.nothing_known ? (
        <p>No word of this prompt is known, so it would be refused.</p>
      ) : (
        others.length > 0 && (
          <p>
            Not known, and passed over: <b>{others.join(", ")}</b>
          </p>
        )
      )}
    </div>
  );
}
