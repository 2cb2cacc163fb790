// @ts-check
// A control that needs its script is drawn disabled and marked `data-script`; pressed too early it would do nothing, or the wrong thing.

/** Call once the listeners are there. */
export function enableControls() {
  for (const control of document.querySelectorAll("[data-script]")) {
    if (control instanceof HTMLButtonElement) control.disabled = false;
  }
}
