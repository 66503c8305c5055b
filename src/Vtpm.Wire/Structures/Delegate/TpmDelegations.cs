namespace Vtpm.Wire;

/// <summary>
/// <c>TPM_DELEGATIONS</c>, Part 2 §20.2: the commands that are delegated: those of <see cref="TpmDelegateOwnerPermission"/> or of <see
/// cref="TpmDelegateKeyPermission"/>.
/// </summary>
public struct TpmDelegations : IWireStructure<TpmDelegations>
{
    public TpmDelegateType DelegateType;
    public uint Per1;

    /// <summary>Reserved, zero.</summary>
    public uint Per2;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmDelegations value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.Delegations);
        wire.Enum(ref value.DelegateType);
        wire.UInt32(ref value.Per1);
        wire.UInt32(ref value.Per2);
    }
}
