namespace Vtpm.Wire;

/// <summary><c>VTPM_ORD_GROUP_RECOVER1</c>, request.</summary>
public struct VtpmGroupRecover1Request : IWireStructure<VtpmGroupRecover1Request>
{
    /// <summary>The index of the group.</summary>
    public uint Group;
    public TpmKey ProxyAik;
    public TpmNonce Nonce;
    public TpmPcrSelection PcrSelection;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmGroupRecover1Request value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.Group);
        wire.Structure(ref value.ProxyAik);
        wire.Structure(ref value.Nonce);
        wire.Structure(ref value.PcrSelection);
    }
}
