// SPDX-License-Identifier: Apache-2.0
// A value that components can follow.

import { useLayoutEffect, useReducer, useRef } from "preact/hooks";

export class Signal<T> {
  private readonly listeners = new Set<() => void>();

  constructor(private current: T) {}

  get value(): T {
    return this.current;
  }

  set(value: T): void {
    if (value === this.current) return;
    this.current = value;
    for (const listener of [...this.listeners]) listener();
  }

  update(change: (value: T) => T): void {
    this.set(change(this.current));
  }

  /** Returns a function that ends it. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

/** A part of a signal's value. The component is drawn again only when that part is another one. */
export function useSelect<T, Part>(signal: Signal<T>, select: (value: T) => Part): Part {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const part = select(signal.value);
  const latest = useRef({ part, select });
  latest.current = { part, select };
  useLayoutEffect(() => {
    const check = (): void => {
      if (latest.current.select(signal.value) !== latest.current.part) redraw(undefined);
    };
    check(); // it may have changed before this effect
    return signal.subscribe(check);
  }, [signal]);
  return part;
}

/** A list that is computed from a signal's value. The component is drawn again only when an element is another one. */
export function useList<T, Item>(signal: Signal<T>, select: (value: T) => readonly Item[]): readonly Item[] {
  const kept = useRef<readonly Item[]>([]);
  return useSelect(signal, (value) => {
    const list = select(value);
    const same = list.length === kept.current.length && list.every((item, at) => item === kept.current[at]);
    if (!same) kept.current = list;
    return kept.current;
  });
}

export const useValue = <T>(signal: Signal<T>): T => useSelect(signal, (value) => value);
