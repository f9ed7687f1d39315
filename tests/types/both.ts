// The contract and the package, each where the other is expected: whatever type-checks against one, does against both.

import type * as Contract from "./contract.js";
import type * as Package from "tokenwell";

/** Fails to compile unless `From` can stand where `To` is expected. */
type Fits<From extends To, To> = From;

/** What users hand in and what they get, both ways. */
export type Instances = [
  Fits<Contract.AuthSessionOptions, Package.AuthSessionOptions>,
  Fits<Package.AuthSessionOptions, Contract.AuthSessionOptions>,
  Fits<Contract.RefreshRoute, Package.RefreshRoute>,
  Fits<Package.RefreshRoute, Contract.RefreshRoute>,
  Fits<Contract.RefreshContext, Package.RefreshContext>,
  Fits<Package.RefreshContext, Contract.RefreshContext>,
  Fits<Contract.Refresher, Package.Refresher>,
  Fits<Package.Refresher, Contract.Refresher>,
  Fits<Contract.TokenResponse, Package.TokenResponse>,
  Fits<Package.TokenResponse, Contract.TokenResponse>,
  Fits<Contract.StorageLike, Package.StorageLike>,
  Fits<Package.StorageLike, Contract.StorageLike>,
  Fits<Contract.SignInRoute, Package.SignInRoute>,
  Fits<Package.SignInRoute, Contract.SignInRoute>,
  Fits<Contract.Status, Package.Status>,
  Fits<Package.Status, Contract.Status>,
  Fits<Contract.Snapshot, Package.Snapshot>,
  Fits<Package.Snapshot, Contract.Snapshot>,
  Fits<Contract.CallOptions, Package.CallOptions>,
  Fits<Package.CallOptions, Contract.CallOptions>,
  Fits<Contract.AuthSession, Package.AuthSession>,
  Fits<Package.AuthSession, Contract.AuthSession>,
  Fits<Contract.SessionEvents, Package.SessionEvents>,
  Fits<Package.SessionEvents, Contract.SessionEvents>,
  Fits<Contract.Decision, Package.Decision>,
  Fits<Package.Decision, Contract.Decision>,
  Fits<Contract.AuthErrorCode, Package.AuthErrorCode>,
  Fits<Package.AuthErrorCode, Contract.AuthErrorCode>,
  Fits<Contract.AuthError, Package.AuthError>,
  Fits<Package.AuthError, Contract.AuthError>,
];

type Values = typeof Contract;
type Made = typeof Package;

/** What the package exports, where the contract's is expected; the package may have more. */
export type Exports = [
  Fits<Made["AuthSession"], Values["AuthSession"]>,
  Fits<Made["AuthError"], Values["AuthError"]>,
  Fits<Made["decodeJwt"], Values["decodeJwt"]>,
  Fits<Made["presets"], Values["presets"]>,
  Fits<ConstructorParameters<Values["AuthSession"]>, ConstructorParameters<Made["AuthSession"]>>,
  Fits<Parameters<Values["AuthSession"]["create"]>, Parameters<Made["AuthSession"]["create"]>>,
];

/** Every method's parameters: TypeScript compares those of methods loosely, so each is asked for. */
type Method = Exclude<keyof Contract.AuthSession, "snapshot" | "accessToken" | "user" | "on">;
export type Calls = [
  Fits<{ [M in Method]: Parameters<Contract.AuthSession[M]> }, { [M in Method]: Parameters<Package.AuthSession[M]> }>,
  Fits<{ [M in Method]: ReturnType<Package.AuthSession[M]> }, { [M in Method]: ReturnType<Contract.AuthSession[M]> }>,
];

/** No `any` where one would let everything through. */
type IsAny<T> = 0 extends 1 & T ? true : false;
type Anys<T> = { [K in keyof T]-?: IsAny<T[K]> extends true ? K : never }[keyof T];
export type NoAny = [
  Fits<Anys<Package.AuthSession>, never>,
  Fits<Anys<Package.AuthSessionOptions>, never>,
  Fits<Anys<Package.RefreshRoute>, never>,
  Fits<Anys<Package.Snapshot>, never>,
  Fits<Anys<Package.SessionEvents>, never>,
  Fits<Anys<Made>, never>,
];
