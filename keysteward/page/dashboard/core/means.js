// How the ways to sign in are called.

export const MEANS = {
  PASSWORD: "Password",
  PASSKEY: "Passkey",
  GOOGLE: "Google",
  GITHUB: "GitHub",
  WHATSAPP: "WhatsApp",
};

/** "Passkey “laptop”" */
export const wayOf = ({ means, name }) => `${MEANS[means] ?? means}${name ? ` “${name}”` : ""}`;

/** "by password", "with GitHub" */
export const by = (means) => ({ PASSWORD: "by password", PASSKEY: "by passkey" }[means] ?? `with ${MEANS[means] ?? means}`);
