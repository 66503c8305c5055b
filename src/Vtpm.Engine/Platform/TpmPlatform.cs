namespace Vtpm.Engine;

/// <summary>All that an engine takes from outside: randomness, time, RSA, long integers and the profile it was built to.</summary>
public sealed record TpmPlatform(ITpmRandom Random, TimeProvider Time, ITpmRsa Rsa, ITpmArithmetic Arithmetic, TpmProfile Profile)
{
    /// <summary>The TPM below, for a vTPM of Xen. A TPM without one does not have Xen's commands.</summary>
    public IParentTpm? Parent { get; init; }
}
