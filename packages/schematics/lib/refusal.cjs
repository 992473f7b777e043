/** What was asked for cannot be made. Its message is one line for whoever asked; nothing was written. */
class Refusal extends Error {}

/**
 * @param {string} message
 * @returns {never}
 */
function refuse(message) {
  throw new Refusal(message);
}

module.exports = { Refusal, refuse };
