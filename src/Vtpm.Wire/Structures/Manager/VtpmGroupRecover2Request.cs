namespace Vtpm.Wire;

/// <summary><c>VTPM_ORD_GROUP_RECOVER2</c>, request.</summary>
public struct VtpmGroupRecover2Request : IWireStructure<VtpmGroupRecover2Request>
{
    /// <summary>The index of the group.</summary>
    public uint Group;

    /// <summary>256 bytes.</summary>
    public ReadOnlyMemory<byte> Dhkx2;

    /// <summary>32 bytes.</summary>
    public ReadOnlyMemory<byte> RecoverBlob;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmGroupRecover2Request value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.Group);
        wire.Exact(ref value.Dhkx2, 256);
        wire.Exact(ref value.RecoverBlob, 32);
    }
}
