namespace Vtpm.Wire;

/// <summary>One step of a guest's measured boot: what is to be extended into which PCR, by TPM_Extend (Part 3 §16.1).</summary>
/// <param name="Pcr">One of those that only a reset of the platform clears, 0 to 15.</param>
/// <param name="Digest">The SHA-1 of what was measured.</param>
public readonly record struct BootMeasurement(int Pcr, TpmDigest Digest);
