// @ts-check
// Times as people say them. Pure but for the language on screen.
import { lang, t } from "./i18n.js";

const ZONE = "Asia/Shanghai"; // the product's clock, wherever the browser thinks it stands

/** 下午2:30, 2:30 pm. @param {number} unix_s */
export function spokenTime(unix_s) {
  return new Intl.DateTimeFormat(lang(), { hour: "numeric", minute: "2-digit", hour12: true, timeZone: ZONE }).format(unix_s * 1000);
}

/** 11月21日 周六 下午2:30. @param {number} unix_s */
export function spokenDateTime(unix_s) {
  const day = new Intl.DateTimeFormat(lang(), { month: "long", day: "numeric", weekday: "short", timeZone: ZONE }).format(unix_s * 1000);
  return `${day} ${spokenTime(unix_s)}`;
}

/** 2036年11月22日, for what lies years ahead. @param {number} unix_s */
export const spokenDate = (unix_s) => new Intl.DateTimeFormat(lang(), { dateStyle: "long", timeZone: ZONE }).format(unix_s * 1000);

/** For `datetime` attributes. @param {number} unix_s */
export const exactTime = (unix_s) => new Date(unix_s * 1000).toISOString();

/** 3 分钟, 1 小时 5 分钟, rounded up: a wait told too short is a promise broken. @param {number} seconds */
export function spokenWait(seconds) {
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 1) return t("common.less_than_minute");
  if (minutes === 1) return t("common.one_minute");
  if (minutes < 60) return t("common.minutes", { count: minutes });
  return t("common.hours_minutes", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
}

/** How long somebody has waited, rounded down. @param {number} seconds */
export function spokenPast(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return t("common.less_than_minute");
  if (minutes === 1) return t("common.one_minute");
  if (minutes < 60) return t("common.minutes", { count: minutes });
  return t("common.hours_minutes", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
}

/** 4:05, 1:04:05. @param {number} seconds */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const pad = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return h ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}
