// SPDX-License-Identifier: Apache-2.0
// Pictures of runs as addresses of blobs: an <img> cannot send the token. Fetched once the element is near the screen.

import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";
import { pictureOf } from "./api";
import type { PictureName, Run } from "./types";

/** The address of the newest such picture; undefined until it is there. An older one stays until the newer has come. */
export function usePicture(run: Run | undefined, name: PictureName, near?: RefObject<Element>): string | undefined {
  const revision = run?.pictures.find((each) => each.name === name)?.revision;
  const id = run?.id;
  const seen = useSeen(near);
  const [shown, setShown] = useState<{ id: string; url: string }>();

  useEffect(() => {
    if (id === undefined || revision === undefined || !seen) return;
    const ended = new AbortController();
    pictureOf(id, name, ended.signal).then(
      (blob) => setShown({ id, url: URL.createObjectURL(blob) }),
      () => {}, // the place stays empty; a newer picture may come
    );
    return () => ended.abort();
  }, [id, name, revision, seen]);
  useEffect(() => () => shown && URL.revokeObjectURL(shown.url), [shown]);
  return shown?.id === id ? shown?.url : undefined;
}

function useSeen(near: RefObject<Element> | undefined): boolean {
  const [seen, setSeen] = useState(near === undefined);
  useEffect(() => {
    if (seen || !near?.current) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) setSeen(true);
      },
      { rootMargin: "200px" },
    );
    observer.observe(near.current);
    return () => observer.disconnect();
  }, [seen]);
  return seen;
}
