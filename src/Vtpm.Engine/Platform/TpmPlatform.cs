namespace Vtpm.Engine;

/// <summary>All that an engine takes from outside: randomness, time, RSA and the profile it was built to.</summary>
public sealed record TpmPlatform(ITpmRandom Random, TimeProvider Time, ITpmRsa Rsa, TpmProfile Profile);
