namespace Vtpm.Wire;

/// <summary><c>VTPM_ORD_GROUP_ACTIVATE</c>, request: answered with a TPM_SYMMETRIC_KEY.</summary>
public struct VtpmGroupActivateRequest : IWireStructure<VtpmGroupActivateRequest>
{
    /// <summary>The index of the group.</summary>
    public uint Group;

    /// <summary>What the privacy CA encrypted to the hardware TPM.</summary>
    public ReadOnlyMemory<byte> Blob;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmGroupActivateRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.Group);
        wire.Sized32(ref value.Blob);
    }
}
