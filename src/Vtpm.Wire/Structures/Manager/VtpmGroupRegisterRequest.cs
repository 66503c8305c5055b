namespace Vtpm.Wire;

/// <summary><c>VTPM_ORD_GROUP_REGISTER</c>, request.</summary>
public struct VtpmGroupRegisterRequest : IWireStructure<VtpmGroupRegisterRequest>
{
    /// <summary>The index of the group.</summary>
    public uint Group;

    /// <summary>256 bytes.</summary>
    public ReadOnlyMemory<byte> Dhkx1;

    /// <summary>256 bytes: the authority's, over SHA-1 of the former.</summary>
    public ReadOnlyMemory<byte> Signature;
    public TpmPcrSelection PcrSelection;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmGroupRegisterRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.Group);
        wire.Exact(ref value.Dhkx1, 256);
        wire.Exact(ref value.Signature, 256);
        wire.Structure(ref value.PcrSelection);
    }
}
