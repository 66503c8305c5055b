using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>A row of <see cref="DelegationTables"/>, which may be empty, in the state file.</summary>
internal struct DelegateRowImage : IWireStructure<DelegateRowImage>
{
    public TpmDelegatePublic? Pub;
    public Secret? AuthValue;

    public static void Describe<TCodec>(ref TCodec wire, ref DelegateRowImage value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Optional(ref value.Pub);
        wire.Secret(ref value.AuthValue);
    }

    public static DelegateRowImage Of(DelegateRow? row) => new() { Pub = row?.Pub, AuthValue = row?.AuthValue };

    public readonly DelegateRow? ToRow() => Pub is { } pub && AuthValue is not null ? new DelegateRow(pub, AuthValue) : null;
}
