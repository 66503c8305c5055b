namespace Vtpm.Wire;

/// <summary><c>VTPM_ORD_GROUP_RECOVER1</c>, response.</summary>
public struct VtpmGroupRecover1Response : IWireStructure<VtpmGroupRecover1Response>
{
    /// <summary>256 bytes.</summary>
    public ReadOnlyMemory<byte> Dhkx1;

    /// <summary>256 bytes: by the proxy's key.</summary>
    public ReadOnlyMemory<byte> Quote;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmGroupRecover1Response value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Exact(ref value.Dhkx1, 256);
        wire.Exact(ref value.Quote, 256);
    }
}
