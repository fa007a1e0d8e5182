// SPDX-License-Identifier: Apache-2.0
// The head of the page: its name, the connection in words, light or dark, help.

import { connection } from "../core/runs";
import { useValue } from "../core/signal";
import { switchTheme, theme } from "../core/theme";
import { IconButton } from "./button";

export function Header({ notice, onHelp }: { notice?: string; onHelp?: () => void }) {
  const present = useValue(theme);
  const state = useValue(connection);
  const words = notice ?? (state === "lost" ? "The server does not answer; trying again." : "");
  return (
    <header class="head">
      <h1>lucid</h1>
      <p role="status" class={words ? "notice" : ""}>
        {words}
      </p>
      <IconButton
        icon={present === "dark" ? "sun" : "moon"}
        name={present === "dark" ? "Light colours" : "Dark colours"}
        onClick={switchTheme}
      />
      {onHelp && <IconButton icon="help" name="Keys" hint="Keys (?)" onClick={onHelp} />}
    </header>
  );
}
