// SPDX-License-Identifier: Apache-2.0
// Buttons: with words, or with an icon whose name is read out and shown as a hint.

import type { ComponentChildren, JSX } from "preact";
import { Icon, type IconName } from "./icons";

interface ButtonProps {
  icon?: IconName;
  children: ComponentChildren;
  onClick: () => void;
  kind?: "plain" | "main" | "danger" | "quiet";
  disabled?: boolean;
  pressed?: boolean;
  title?: string;
  class?: string;
}

export function Button({ icon, children, onClick, kind = "plain", disabled, pressed, title, class: more = "" }: ButtonProps) {
  return (
    <button
      type="button"
      class={`button ${kind} ${more}`}
      disabled={disabled}
      aria-pressed={pressed}
      title={title}
      onClick={onClick}
    >
      {icon && <Icon name={icon} />}
      <span class="label">{children}</span>
    </button>
  );
}

interface IconButtonProps extends Omit<JSX.HTMLAttributes<HTMLButtonElement>, "icon"> {
  icon: IconName;
  name: string;
  hint?: string; // a longer one than the name
  disabled?: boolean;
}

export function IconButton({ icon, name, hint, class: more = "", ...rest }: IconButtonProps) {
  return (
    <button type="button" class={`button quiet icon-only ${more as string}`} aria-label={name} title={hint ?? name} {...rest}>
      <Icon name={icon} />
    </button>
  );
}
