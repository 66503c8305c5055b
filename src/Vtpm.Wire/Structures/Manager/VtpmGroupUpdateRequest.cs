namespace Vtpm.Wire;

/// <summary>
/// <c>VTPM_ORD_GROUP_UPDATE</c>, request: a signed configuration, and for each of its platforms the PCRs its composite hash is made of.
/// </summary>
public struct VtpmGroupUpdateRequest : IWireStructure<VtpmGroupUpdateRequest>
{
    /// <summary>The index of the group.</summary>
    public uint Group;

    /// <summary>256 bytes: the authority's, over the configuration.</summary>
    public ReadOnlyMemory<byte> Signature;
    public VtpmConfigList Config;

    /// <summary>As many as the configuration has platforms; outside of its signature.</summary>
    public TpmPcrSelection[] PcrSelections;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmGroupUpdateRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.Group);
        wire.Exact(ref value.Signature, 256);
        wire.Structure(ref value.Config);
        value.PcrSelections ??= [];
        int count = value.Config.Platforms.Length;
        if (wire.IsReading) value.PcrSelections = new TpmPcrSelection[count];
        else if (value.PcrSelections.Length != count) wire.Fault(TpmResult.BadParamSize);
        foreach (ref TpmPcrSelection selection in value.PcrSelections.AsSpan()) wire.Structure(ref selection);
    }
}
