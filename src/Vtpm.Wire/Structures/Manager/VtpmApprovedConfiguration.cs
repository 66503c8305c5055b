namespace Vtpm.Wire;

/// <summary>
/// A signed configuration in our form: the signature, at the end, covers everything before it, the platforms' PCRs and the group included. The
/// original's form begins with its signature; no RSA-2048 signature begins as this does, short of a modulus whose upper 64 bits are all ones.
/// </summary>
public struct VtpmApprovedConfiguration : IWireStructure<VtpmApprovedConfiguration>
{
    /// <summary>What the form begins with.</summary>
    public static ReadOnlySpan<byte> Magic =>
        [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, (byte)'v', (byte)'T', (byte)'P', (byte)'M', (byte)'c', (byte)'f', (byte)'g', (byte)'2'];

    public const int SignatureSize = 256;

    /// <summary>The one group that it is for; zeroes stand for every group of the authority.</summary>
    public Guid GroupUuid;

    public ulong Sequence;
    public VtpmPlatform[] Platforms;
    public TpmDigest[] Kernels;

    /// <summary>256 bytes: the authority's, RSASSA-PKCS1v15 with SHA-256, over everything before it.</summary>
    public ReadOnlyMemory<byte> Signature;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmApprovedConfiguration value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Constant(0xFFFFFFFF);
        wire.Constant(0xFFFFFFFF);
        wire.Constant(0x7654504D);   // "vTPM"
        wire.Constant(0x63666732);   // "cfg2"
        wire.Uuid(ref value.GroupUuid);
        wire.UInt64(ref value.Sequence);
        wire.List32(ref value.Platforms, VtpmConfigList.Limit);
        wire.List32(ref value.Kernels, VtpmConfigList.Limit);
        wire.Exact(ref value.Signature, SignatureSize);
    }
}
