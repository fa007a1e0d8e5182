// SPDX-License-Identifier: Apache-2.0
// The prompt, with completion from the vocabulary: a combobox whose list box is walked with the arrow keys.

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { type Completion, completions } from "../core/completion";
import { fill, form } from "../core/form";
import { useSelect } from "../core/signal";
import type { Vocabulary } from "../core/types";

const ID = "prompt";
export const focusPrompt = (): void => document.getElementById(ID)?.focus();

interface PromptFieldProps {
  vocabulary: Vocabulary | undefined;
  describedBy: string;
  onGenerate: () => void;
}

export function PromptField({ vocabulary, describedBy, onGenerate }: PromptFieldProps) {
  const prompt = useSelect(form, (value) => value.prompt);
  const [found, setFound] = useState<Completion[]>([]);
  const [active, setActive] = useState(-1);
  const field = useRef<HTMLTextAreaElement>(null);
  const caret = useRef<number>();
  const id = useId();
  const words = vocabulary ? [...vocabulary.names, ...vocabulary.colours] : [];

  useEffect(() => {
    if (caret.current !== undefined) field.current?.setSelectionRange(caret.current, caret.current);
    caret.current = undefined;
  }, [prompt]);

  const close = (): void => {
    setFound([]);
    setActive(-1);
  };
  const onInput = (): void => {
    const { value, selectionStart } = field.current!;
    fill({ prompt: value.replace(/\s*\n\s*/g, " ") });
    setFound(completions(value, selectionStart, words));
    setActive(-1);
  };
  const accept = ({ from, word }: Completion): void => {
    const end = field.current!.selectionStart;
    caret.current = from + word.length;
    fill({ prompt: prompt.slice(0, from) + word + prompt.slice(end) });
    close();
    field.current!.focus();
  };
  const onKey = (event: KeyboardEvent): void => {
    const open = found.length > 0;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      close();
      onGenerate();
    } else if (open && step) {
      const places = found.length + 1; // and none
      setActive(((active + 1 + step + places) % places) - 1);
    } else if (open && event.key === "Enter" && found[active]) {
      accept(found[active]);
    } else if (open && event.key === "Escape") {
      close();
    } else if (event.key !== "Enter") {
      return;
    }
    event.preventDefault();
  };

  return (
    <div class="prompt">
      <label for={ID}>Prompt</label>
      <textarea
        ref={field}
        id={ID}
        rows={3}
        maxLength={500}
        value={prompt}
        placeholder="a red apple"
        autocomplete="off"
        spellcheck={false}
        enterkeyhint="go"
        role="combobox"
        aria-autocomplete="list"
        aria-haspopup="listbox"
        aria-expanded={found.length > 0}
        aria-controls={`${id}-list`}
        aria-activedescendant={active >= 0 ? `${id}-${active}` : undefined}
        aria-describedby={describedBy}
        onInput={onInput}
        onKeyDown={onKey}
        onBlur={close}
      />
      <ul class="completions" role="listbox" id={`${id}-list`} aria-label="Known words" hidden={found.length === 0}>
        {found.map((each, i) => (
          <li
            key={each.word}
            id={`${id}-${i}`}
            role="option"
            aria-selected={i === active}
            onPointerDown={(event) => event.preventDefault()} // the field keeps the focus
            onClick={() => accept(each)}
          >
            {each.word}
          </li>
        ))}
      </ul>
    </div>
  );
}
