// SPDX-License-Identifier: Apache-2.0
// The form of an edit: what a finished asset is to become, and how far the edit may go.

import { useEffect, useId, useRef, useState } from "preact/hooks";
import * as api from "../core/api";
import { offer, tab } from "../core/choice";
import { editing, kFields, presetOf, startValues, type WantedEdit } from "../core/edit";
import { sameValue } from "../core/form";
import { learn } from "../core/runs";
import { useValue } from "../core/signal";
import type { Option } from "../core/types";
import { useAction } from "../core/use_action";
import { messageOf } from "../core/words";
import { Button } from "./button";
import { Dialog } from "./dialog";
import { OptionField } from "./option_field";
import { Problem } from "./problem";

/** The dialog, while an edit is being prepared. */
export function EditDialog() {
  const wanted = useValue(editing);
  return wanted && <EditForm wanted={wanted} />;
}

function EditForm({ wanted }: { wanted: WantedEdit }) {
  const { source, like } = wanted;
  const [options, setOptions] = useState<Option[]>([]);
  const [missing, setMissing] = useState(""); // why the options have not come
  const [values, setValues] = useState(() => startValues(wanted));
  const [to, setTo] = useState((like ?? source).prompt);
  const action = useAction();
  const field = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  const preset = presetOf(values);

  useEffect(() => {
    api.options(preset).then(
      (list) => {
        setOptions(list);
        setMissing("");
      },
      (error: unknown) => setMissing(messageOf(error)),
    );
  }, [preset]);
  useEffect(() => {
    if (matchMedia("(pointer: fine)").matches) field.current?.select(); // a phone would open its keyboard
  }, []);

  const set = (option: Option, value: string): void => {
    const after = { ...values };
    if (sameValue(option, value)) delete after[option.name];
    else after[option.name] = value;
    setValues(after);
  };
  const start = async (): Promise<void> => {
    const done = await action.run(async () => offer(learn(await api.makeEdit(source.id, to.trim(), values))));
    if (!done) return;
    editing.set(null);
    tab.set("run");
  };

  return (
    <Dialog title="Edit" onClose={() => editing.set(null)} class="edit">
      <form
        class="edit-form"
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <p>
          <span class="quiet">The asset is</span> <b>{source.prompt}</b>
        </p>
        <div class="field">
          <label for={id}>It is to become</label>
          <textarea
            ref={field}
            id={id}
            rows={2}
            maxLength={500}
            value={to}
            autocomplete="off"
            spellcheck={false}
            aria-describedby={`${id}-facts`}
            onInput={(event) => setTo(event.currentTarget.value.replace(/\s*\n\s*/g, " "))}
            onKeyDown={(event) => {
              if (event.key !== "Enter") return;
              event.preventDefault();
              void start();
            }}
          />
          <p class="quiet" id={`${id}-facts`}>
            Change what is to change, and nothing else: “a red car” to “a blue car”.
          </p>
        </div>
        {kFields.map((name) => {
          const option = options.find((each) => each.name === name);
          return (
            option && (
              <OptionField
                key={name}
                option={option}
                value={values[name]}
                problem=""
                onSet={(value) => set(option, value)}
                onReset={() => set(option, option.value)}
              />
            )
          );
        })}
        <div class="edit-foot">
          <Problem text={action.problem || missing} />
          <div class="dialog-foot">
            <Button onClick={() => editing.set(null)}>Cancel</Button>
            <button type="submit" class="button main" disabled={action.busy || to.trim() === ""}>
              <span class="label">{action.busy ? "Sending …" : "Start the edit"}</span>
            </button>
          </div>
        </div>
      </form>
    </Dialog>
  );
}
