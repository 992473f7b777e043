/** `HH:MM`, as clocks of 24 hours show it. */
export const HOUR_OF_DAY = /^([01][0-9]|2[0-3]):[0-5][0-9]$/;
