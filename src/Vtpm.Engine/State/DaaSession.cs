using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>A DAA session, of TPM_DAA_Join or of TPM_DAA_Sign, between its stages.</summary>
/// <param name="Handle">Its handle.</param>
/// <param name="Data">The bytes of its <see cref="DaaSessionData"/>, where the secrets lie among the rest.</param>
public sealed record DaaSession(uint Handle, Secret Data) : IHandled
{
    public bool Equals(DaaSession? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => (int)Handle;
}

/// <summary>What DAA adds to TPM_STANY_DATA (Part 2 §22.7): all that a session knows. A NULL of the action lists is zeroes.</summary>
internal struct DaaSessionData : IWireStructure<DaaSessionData>
{
    public TpmDaaIssuer IssuerSettings;
    public TpmDaaTpm TpmSpecific;
    public TpmDaaContext Session;

    /// <summary>Used by TPM_DAA_Join alone.</summary>
    public TpmDaaJoinData JoinSession;

    public static void Describe<TCodec>(ref TCodec wire, ref DaaSessionData value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.IssuerSettings);
        wire.Structure(ref value.TpmSpecific);
        wire.Structure(ref value.Session);
        wire.Structure(ref value.JoinSession);
    }
}
