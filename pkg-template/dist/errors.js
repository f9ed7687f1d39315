// The one error class. Rust makes its errors with it (`setErrorClass`); a refresher throws it to end a session.

/** The same symbol in every copy and realm: what `AuthError.is` looks for. */
const BRAND = Symbol.for("tokenwell.AuthError");

export class AuthError extends Error {
  static is(value) {
    return Object(value)[BRAND] === true;
  }

  static {
    Object.defineProperties(this.prototype, {
      name: { value: "AuthError", writable: true, configurable: true },
      [BRAND]: { value: true },
    });
  }

  constructor(message, fields) {
    if (typeof message === "object") {
      fields = message;
      message = fields?.message;
    }
    fields ??= {};
    super(message ?? fields.code, fields);
    this.code = fields.code ?? "refresh_unavailable";
    this.error = fields.error ?? null;
    this.description = fields.description ?? null;
    this.uri = fields.uri ?? null;
    this.status = fields.status ?? null;
    this.retryable = fields.retryable ?? this.code === "refresh_unavailable";
    this.retryAt = fields.retryAt ?? null;
  }

  toJSON() {
    // `cause` and `stack` are not enumerable, so they stay out: neither is ours to vouch for.
    return { name: this.name, message: this.message, ...this };
  }
}
