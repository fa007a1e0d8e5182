// SPDX-License-Identifier: Apache-2.0
// A button that opens a list of actions, by the pattern "menu button" of the ARIA authoring practices.

import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { IconButton } from "./button";

export interface MenuItem {
  name: string;
  act: () => void;
  danger?: boolean;
}

export function Menu({ name, items }: { name: string; items: MenuItem[] }) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const id = useId();
  const button = (): HTMLButtonElement | null => root.current?.querySelector("button") ?? null;
  const buttons = (): HTMLElement[] => [...(list.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];

  useLayoutEffect(() => {
    if (!open) return;
    const anchor = button()!.getBoundingClientRect();
    const box = list.current!;
    const below = innerHeight - anchor.bottom > box.offsetHeight + 8;
    box.style.top = `${below ? anchor.bottom + 4 : anchor.top - box.offsetHeight - 4}px`;
    box.style.left = `${Math.max(8, anchor.right - box.offsetWidth)}px`;
    buttons()[0]?.focus();
  }, [open]);
  useEffect(() => {
    if (!open) return;
    const close = (event: Event): void => {
      if (event.type === "scroll" || !root.current?.contains(event.target as Node)) setOpen(false);
    };
    for (const kind of ["pointerdown", "focusin", "scroll"]) document.addEventListener(kind, close, true);
    return () => {
      for (const kind of ["pointerdown", "focusin", "scroll"]) document.removeEventListener(kind, close, true);
    };
  }, [open]);

  const close = (): void => {
    button()?.focus();
    setOpen(false);
  };
  const onKey = (event: KeyboardEvent): void => {
    const all = buttons();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (next !== undefined) all.at(next % all.length)?.focus();
    else if (event.key === "Escape") close();
    else if (event.key === "Tab") return setOpen(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="menu" ref={root} onKeyDown={open ? onKey : undefined}>
      <IconButton
        icon="more"
        name={name}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        onClick={() => setOpen(!open)}
      />
      {open && (
        <ul role="menu" id={id} ref={list} aria-label={name}>
          {items.map((item) => (
            <li role="none" key={item.name}>
              <button
                type="button"
                role="menuitem"
                tabIndex={-1}
                class={item.danger ? "danger" : ""}
                onClick={() => {
                  close();
                  item.act();
                }}
              >
                {item.name}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
