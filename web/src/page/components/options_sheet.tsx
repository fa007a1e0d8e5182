// SPDX-License-Identifier: Apache-2.0
// All options of a run in groups, as the server describes them. Changed ones stand first.

import { useEffect, useRef, useState } from "preact/hooks";
import { fill, form, inSheet, optionList, problem, resetOption, setOption } from "../core/form";
import { useSelect, useValue } from "../core/signal";
import type { About, Option } from "../core/types";
import { Button } from "./button";
import { Dialog } from "./dialog";
import { OptionField } from "./option_field";

const fits = (option: Option, words: string[]): boolean => {
  const text = `${option.name} ${option.name.replace(/_/g, " ")} ${option.flag} ${option.group} ${option.help}`.toLowerCase();
  return words.every((word) => text.includes(word));
};

export function OptionsSheet({ about, onClose }: { about: About; onClose: () => void }) {
  const all = useValue(optionList).filter((option) => inSheet(option) && !(option.path && about.on_network));
  const changed = useSelect(form, (value) => value.changed);
  const refused = useValue(problem);
  const [pinned] = useState(() => new Set(Object.keys(changed))); // none moves away while it is edited
  const [query, setQuery] = useState("");
  const search = useRef<HTMLInputElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found = all.filter((option) => fits(option, words));
  const groups = new Map<string, Option[]>();
  for (const option of found) {
    const group = pinned.has(option.name) ? "Changed" : option.group;
    groups.set(group, [...(groups.get(group) ?? []), option]);
  }
  const ordered = [...groups].sort(([a], [b]) => Number(b === "Changed") - Number(a === "Changed"));

  useEffect(() => {
    if (matchMedia("(pointer: fine)").matches) search.current?.focus(); // a phone would open its keyboard
  }, []);
  useEffect(() => {
    if (!refused?.option) return;
    const field = box.current?.querySelector<HTMLElement>(`[data-option="${refused.option}"]`);
    field?.scrollIntoView({ block: "center" });
    field?.querySelector<HTMLElement>("input, select")?.focus();
  }, [refused, all.length]);

  return (
    <Dialog title="All options" onClose={onClose} class="sheet">
      <div class="sheet-tools">
        <input
          type="search"
          ref={search}
          aria-label="Search the options"
          placeholder="Search: guidance, camera, learning rate …"
          value={query}
          onInput={(event) => setQuery(event.currentTarget.value)}
        />
        <Button disabled={Object.keys(changed).length === 0} onClick={() => fill({ changed: {} })}>
          Reset all
        </Button>
      </div>
      <p class="hidden" role="status">
        {words.length > 0 ? `${found.length} options found` : ""}
      </p>
      <div class="sheet-body" ref={box}>
        {ordered.map(([group, options]) => (
          <section key={group} aria-label={group}>
            <h3>{group}</h3>
            {options.map((option) => (
              <OptionField
                key={option.name}
                option={option}
                value={changed[option.name]}
                problem={refused?.option === option.name ? refused.message : ""}
                onSet={(value) => setOption(option, value)}
                onReset={() => resetOption(option.name)}
              />
            ))}
          </section>
        ))}
        {found.length === 0 && (
          <p class="empty">{all.length === 0 ? "The options have not arrived." : `No option is about “${query}”.`}</p>
        )}
      </div>
    </Dialog>
  );
}
