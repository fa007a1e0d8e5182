// SPDX-License-Identifier: Apache-2.0
// What went wrong, beside the thing that it is about. The element is always there, so that screen readers notice its text.

export function Problem({ text, onClose, id }: { text: string; onClose?: () => void; id?: string }) {
  return (
    <div class={text ? "problem" : ""} role="alert" id={id}>
      {text && <p>{text}</p>}
      {text && onClose && (
        <button type="button" class="link" onClick={onClose}>
          Close
        </button>
      )}
    </div>
  );
}
