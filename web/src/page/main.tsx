// SPDX-License-Identifier: Apache-2.0
// The page: asks the server what it is, and shows the studio, one run, or files.

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Header } from "./components/header";
import { Scenes } from "./components/scenes";
import { Studio } from "./components/studio";
import * as api from "./core/api";
import { connection } from "./core/runs";
import { useValue } from "./core/signal";
import { startTheme } from "./core/theme";
import type { About } from "./core/types";
import { messageOf } from "./core/words";

const NO_TOKEN = "Open the address that lucid has printed: its last part, after #, lets you in.";
const FIRST_WAIT = 500; // milliseconds
const LONGEST_WAIT = 10_000;

function Page() {
  const [about, setAbout] = useState<About>();
  const [notice, setNotice] = useState("");
  const refused = useValue(connection) === "refused";

  useEffect(() => {
    if (!api.takeToken()) return connection.set("refused");
    const ask = (pause: number): void => {
      api.about().then(setAbout, (error: unknown) => {
        if (error instanceof api.Refusal && error.status === 401) return connection.set("refused");
        setNotice(error instanceof api.Silence ? "The server does not answer; trying again." : messageOf(error));
        setTimeout(() => ask(Math.min(2 * pause, LONGEST_WAIT)), pause);
      });
    };
    ask(FIRST_WAIT);
  }, []);

  if (refused) {
    return (
      <div class="page alone">
        <Header />
        <main class="empty-stage">
          <h2>This page needs its address.</h2>
          <p role="alert">{NO_TOKEN}</p>
        </main>
      </div>
    );
  }
  if (!about) return <div class="page alone"><Header notice={notice} /></div>;
  return about.mode === "view" ? <Scenes /> : <Studio about={about} />;
}

startTheme();
render(<Page />, document.getElementById("page")!);
