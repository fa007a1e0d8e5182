// SPDX-License-Identifier: Apache-2.0
// One option of a form: its control, help, range and default.

import { useId } from "preact/hooks";
import { pairTexts, rangeWords, refusal } from "../core/form";
import type { Option } from "../core/types";
import { label } from "../core/words";

interface OptionFieldProps {
  option: Option;
  value: string | undefined; // undefined: the preset's
  problem: string; // the server's
  onSet: (value: string) => void;
  onReset: () => void;
}

export function OptionField({ option, value, problem, onSet, onReset }: OptionFieldProps) {
  const id = useId();
  const refused = (value === undefined ? "" : refusal(option, value)) || problem;
  const facts = [rangeWords(option), option.value === "" ? "" : `default ${shown(option)}`, option.flag];
  return (
    <div class={`option ${value === undefined ? "" : "changed"}`} data-option={option.name}>
      <div class="option-head">
        <label for={id}>{label(option.name)}</label>
        {value !== undefined && (
          <button type="button" class="link" aria-label={`Reset ${option.name}`} onClick={onReset}>
            Reset
          </button>
        )}
      </div>
      <Control id={id} option={option} value={value ?? option.value} invalid={refused !== ""} set={onSet} />
      <p class="facts" id={`${id}-facts`}>
        {option.help} <small>{facts.filter(Boolean).join(" · ")}</small>
      </p>
      <p class={refused ? "problem" : ""} role="alert" id={`${id}-problem`}>
        {refused}
      </p>
    </div>
  );
}

const shown = (option: Option): string =>
  option.kind === "flag" ? (option.value === "true" ? "on" : "off") : option.value;

interface ControlProps {
  id: string;
  option: Option;
  value: string;
  invalid: boolean;
  set: (value: string) => void;
}

function Control({ id, option, value, invalid, set }: ControlProps) {
  const common = { id, "aria-describedby": `${id}-facts ${id}-problem`, "aria-invalid": invalid };
  if (option.kind === "flag") {
    return (
      <input
        {...common}
        type="checkbox"
        class="switch"
        role="switch"
        checked={value === "true"}
        onChange={(event) => set(String(event.currentTarget.checked))}
      />
    );
  }
  if (option.kind === "choice") {
    return (
      <select {...common} value={value} onChange={(event) => set(event.currentTarget.value)}>
        {option.choices.map((choice) => (
          <option key={choice}>{choice}</option>
        ))}
      </select>
    );
  }
  if (option.kind === "pair") {
    const [first = "", second = ""] = pairTexts(value);
    const input = (at: 0 | 1) => (
      <input
        {...common}
        id={at === 0 ? id : `${id}-2`}
        aria-label={`${label(option.name)}, ${at === 0 ? "first" : "second"} number`}
        inputMode="decimal"
        autocomplete="off"
        value={at === 0 ? first : second}
        onInput={({ currentTarget: { value: text } }) => set(at === 0 ? `[${text}, ${second}]` : `[${first}, ${text}]`)}
      />
    );
    return (
      <div class="pair">
        {input(0)}
        <span aria-hidden="true">to</span>
        {input(1)}
      </div>
    );
  }
  return (
    <input
      {...common}
      inputMode={option.kind === "text" ? "text" : "decimal"}
      autocomplete="off"
      placeholder={option.value === "" ? option.value_name || "none" : ""}
      value={value}
      onInput={(event) => set(event.currentTarget.value)}
    />
  );
}
