namespace Vtpm.Wire;

/// <summary>
/// <c>TPM_MSA_COMPOSITE</c>, Part 2 §5.15: the migration authorities of a certified migration key, by the digests of their public keys.
/// </summary>
public struct TpmMsaComposite : IWireStructure<TpmMsaComposite>
{
    /// <summary>Bounds what a hostile count makes the reader allocate; a TPM need not support more than four.</summary>
    public const int Limit = 128;

    public TpmDigest[] MigAuthDigest;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmMsaComposite value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.List32(ref value.MigAuthDigest, Limit);

    /// <summary>The structure behind its size in bytes, as the commands of Part 3 §11 carry it.</summary>
    public static void DescribeSized<TCodec>(ref TCodec wire, ref TpmMsaComposite value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        uint size = Size(value);
        wire.UInt32(ref size);
        Describe(ref wire, ref value);
        if (size != Size(value)) wire.Fault(TpmResult.BadParamSize);
    }

    private static uint Size(in TpmMsaComposite value) => (uint)(sizeof(uint) + TpmDigest.Size * (value.MigAuthDigest?.Length ?? 0));
}
