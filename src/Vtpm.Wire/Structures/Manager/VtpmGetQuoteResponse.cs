using System.Numerics;

namespace Vtpm.Wire;

/// <summary>
/// <c>VTPM_ORD_GET_QUOTE</c>, response: the signature, a digest for each flag of the request (the lowest first), the selected PCRs.
/// </summary>
public struct VtpmGetQuoteResponse : IWireStructure<VtpmGetQuoteResponse>
{
    /// <summary>256 bytes.</summary>
    public ReadOnlyMemory<byte> Signature;

    /// <summary>Digests of 20 bytes: those of the flags, then those of the PCRs.</summary>
    public ReadOnlyMemory<byte> HashesAndPcrValues;

    /// <summary>The digests that <paramref name="flags"/> asked for; shorter when the response is.</summary>
    public readonly ReadOnlyMemory<byte> Hashes(VtpmQuoteFlags flags) => HashesAndPcrValues[..HashesLength(flags)];

    /// <summary>The PCR values, which follow those digests.</summary>
    public readonly ReadOnlyMemory<byte> PcrValues(VtpmQuoteFlags flags) => HashesAndPcrValues[HashesLength(flags)..];

    private readonly int HashesLength(VtpmQuoteFlags flags) =>
        Math.Min(TpmDigest.Size * BitOperations.PopCount((uint)flags), HashesAndPcrValues.Length);

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmGetQuoteResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Exact(ref value.Signature, 256);
        wire.Rest(ref value.HashesAndPcrValues);
    }
}
