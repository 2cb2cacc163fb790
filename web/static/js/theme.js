// @ts-check
// How the page looks, decided before the first paint: a classic script in the head, so nothing flashes. Kept on this device only.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const contrast = matchMedia("(prefers-contrast: more)");

  /** @param {string} key */
  const kept = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
  const wished = () => (contrast.matches ? "contrast" : dark.matches ? "dark" : "light");

  const apply = () => {
    const kiosk = root.dataset.place === "kiosk";
    // A kiosk belongs to everybody: what one person chose there ends with that person.
    root.dataset.theme = (!kiosk && kept("laizuo.theme")) || wished();
    root.dataset.size = (!kiosk && kept("laizuo.size")) || "normal";
  };
  apply();
  dark.addEventListener("change", apply);
  contrast.addEventListener("change", apply);
})();
