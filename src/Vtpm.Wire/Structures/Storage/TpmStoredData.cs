namespace Vtpm.Wire;

/// <summary>
/// <c>TPM_STORED_DATA</c> and <c>TPM_STORED_DATA12</c>, Part 2 §9.1 and §9.2. The two differ in their first four bytes alone (a TPM_STRUCT_VER;
/// or a tag and an entity type) and in what <see cref="SealInfo"/> holds, so that one type carries both.
/// </summary>
public struct TpmStoredData : IWireStructure<TpmStoredData>
{
    /// <summary>What a TPM_STORED_DATA begins with: TPM_STRUCT_VER 1.1.0.0.</summary>
    public const uint Version11 = 0x01010000;

    /// <summary>The first four bytes: <see cref="Version11"/>, or TPM_TAG_STORED_DATA12 and an entity type.</summary>
    public uint Ver;

    /// <summary>Empty, a TPM_PCR_INFO (TPM_STORED_DATA) or a TPM_PCR_INFO_LONG (TPM_STORED_DATA12).</summary>
    public ReadOnlyMemory<byte> SealInfo;

    /// <summary>The encrypted TPM_SEALED_DATA.</summary>
    public ReadOnlyMemory<byte> EncData;

    public readonly bool IsStoredData12 => Ver >> 16 == (uint)TpmStructureTag.StoredData12;

    /// <summary>The entity type of a TPM_STORED_DATA12 (TPM_ET_*, how TPM_Sealx protected the value in transit).</summary>
    public readonly ushort EntityType => (ushort)Ver;

    /// <summary>What a TPM_STORED_DATA12 with an entity type begins with.</summary>
    public static uint Tag12(ushort entityType) => (uint)TpmStructureTag.StoredData12 << 16 | entityType;

    /// <summary>TPM_SEALED_DATA.storedDigest (Part 2 §9.3): SHA-1 of this structure without its encData and encDataSize.</summary>
    public readonly TpmDigest StoredDigest() => WireFormat.Digest(new PublicPart { Ver = Ver, SealInfo = SealInfo });

    /// <summary>
    /// The same as the emulator of Xen's vtpm-stubdom has it, which leaves an encDataSize of 0 in. It binds as much; blobs of a vTPM that has come over
    /// from there are known by it.
    /// </summary>
    public readonly TpmDigest StoredDigestOfEmulator() => WireFormat.Digest(this with { EncData = default });

    public static void Describe<TCodec>(ref TCodec wire, ref TpmStoredData value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.Ver);
        if (value.Ver >> 16 == Version11 >> 16) value.Ver = Version11;
        else if (!value.IsStoredData12) wire.Fault(TpmResult.BadVersion);
        wire.Sized32(ref value.SealInfo);
        wire.Sized32(ref value.EncData);
    }

    private struct PublicPart : IWireStructure<PublicPart>
    {
        public uint Ver;
        public ReadOnlyMemory<byte> SealInfo;

        public static void Describe<TCodec>(ref TCodec wire, ref PublicPart value)
            where TCodec : struct, IWireCodec, allows ref struct
        {
            wire.UInt32(ref value.Ver);
            wire.Sized32(ref value.SealInfo);
        }
    }
}
