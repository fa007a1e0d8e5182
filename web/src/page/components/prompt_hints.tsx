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

/** What the embedded prior does not know; nothing while another prior is chosen. */
function useCheck(prompt: string): PromptCheck | undefined {
  const changedPrior = useSelect(form, ({ changed }) => changed["model_key"]);
  const presetPrior = useValue(optionList).find((option) => option.name === "model_key")?.value ?? "";
  const embedded = (changedPrior ?? presetPrior) === "";
  const [check, setCheck] = useState<PromptCheck>();
  useEffect(() => {
    if (!embedded || prompt.trim() === "") return setCheck(undefined);
    const ended = new AbortController();
    const timer = setTimeout(() => {
      checkPrompt(prompt.trim(), ended.signal).then(setCheck, () => {}); // the run is checked again
    }, PAUSE);
    return () => {
      clearTimeout(timer);
      ended.abort();
    };
  }, [prompt, embedded]);
  return check;
}

/** Without the last word of the prompt while it is the beginning of a known one. */
function unknownIn(check: PromptCheck | undefined, prompt: string, vocabulary: Vocabulary | undefined): PromptCheck["unknown"] {
  const last = prompt.toLowerCase().split(/\s+/).at(-1) ?? "";
  const begun = [...(vocabulary?.names ?? []), ...(vocabulary?.colours ?? [])].some((word) => word.startsWith(last));
  return (check?.unknown ?? []).filter(({ word }) => !(begun && word.toLowerCase() === last));
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
        {first ? <p class="quiet">Name a thing, and its colour if you like. Known words are completed as you type.</p> : <Examples vocabulary={vocabulary} />}
      </div>
    );
  }
  const unknown = unknownIn(check, prompt, vocabulary);
  const replaceable = unknown.filter(({ near }) => near.length > 0).slice(0, MOST);
  const others = unknown.filter((each) => !replaceable.includes(each)).map(({ word }) => word);
  return (
    <div class="hints" id={id} role="status">
      {check && unknown.length === 0 && <p class="quiet">Every word is known.</p>}
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
