namespace Vtpm.Wire;

/// <summary><c>VTPM_ORD_GROUP_REGISTER</c>, response.</summary>
public struct VtpmGroupRegisterResponse : IWireStructure<VtpmGroupRegisterResponse>
{
    /// <summary>256 bytes.</summary>
    public ReadOnlyMemory<byte> Dhkx2;

    /// <summary>32 bytes.</summary>
    public ReadOnlyMemory<byte> RecoverBlob;

    /// <summary>256 bytes.</summary>
    public ReadOnlyMemory<byte> Quote;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmGroupRegisterResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Exact(ref value.Dhkx2, 256);
        wire.Exact(ref value.RecoverBlob, 32);
        wire.Exact(ref value.Quote, 256);
    }
}
