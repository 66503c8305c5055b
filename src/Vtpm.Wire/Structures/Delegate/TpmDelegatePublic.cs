namespace Vtpm.Wire;

/// <summary><c>TPM_DELEGATE_PUBLIC</c>, Part 2 §20.8: the public side of a delegation.</summary>
public struct TpmDelegatePublic : IWireStructure<TpmDelegatePublic>
{
    /// <summary>TPM_DELEGATE_LABEL (§20.7).</summary>
    public byte RowLabel;
    public TpmPcrInfoShort PcrInfo;
    public TpmDelegations Permissions;
    public uint FamilyId;
    public uint VerificationCount;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmDelegatePublic value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.DelegatePublic);
        wire.UInt8(ref value.RowLabel);
        wire.Structure(ref value.PcrInfo);
        wire.Structure(ref value.Permissions);
        wire.UInt32(ref value.FamilyId);
        wire.UInt32(ref value.VerificationCount);
    }
}
