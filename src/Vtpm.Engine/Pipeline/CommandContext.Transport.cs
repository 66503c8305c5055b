using Vtpm.Wire;

namespace Vtpm.Engine;

/// <content>Transport sessions (Part 3 §24).</content>
public sealed partial class CommandContext
{
    /// <summary>The transport session that this command has come in; null when it has come by itself.</summary>
    public TransportSession? Carrier { get; }

    /// <summary>Bytes that the parameters of the response may take.</summary>
    public int ResponseRoom { get; internal set; }

    /// <summary>The transport session that the last authorization block names: the pipeline has found it.</summary>
    public TransportSession PresentedTransport => State.Transports.Find(Auths[^1].Session.Handle)!;

    /// <summary>
    /// Verifies that the next session, a transport session, is used by who has opened it. Its secret is none of the TPM's: a wrong one is no guess.
    /// </summary>
    public TpmResult AuthorizeTransport()
    {
        if (NextAuth is not { Session: { Protocol: TpmProtocolId.Transport, SharedSecret: { } authData } } auth) return TpmResult.AuthFail;
        _authorizations++;
        if (!auth.Verify(authData.Span, InParamDigest)) return auth == Auths[0] ? TpmResult.AuthFail : TpmResult.Auth2Fail;
        auth.ResponseKey = authData;
        return TpmResult.Success;
    }

    /// <summary>Opens a transport session under a handle of its own: <paramref name="preferred"/>, when it is given and free.</summary>
    /// <returns>TPM_RESOURCES when no more can be open.</returns>
    public TpmResult OpenTransport(TransportSession transport, out uint handle, uint? preferred = null)
    {
        handle = 0;
        if (State.Transports.Count >= Platform.Profile.TransportSessions) return TpmResult.Resources;
        handle = NewHandle(State.Transports, TpmResourceType.Trans, preferred);
        State = State with { Transports = State.Transports.Add(transport with { Auth = transport.Auth with { Handle = handle } }) };
        return TpmResult.Success;
    }

    /// <summary>
    /// Executes a command that came in the transport session <paramref name="carrier"/>, on the state that is proposed so far, which becomes what
    /// that command proposes: a failure of it is no failure of this one.
    /// </summary>
    /// <returns>Bytes of its response.</returns>
    internal int ExecuteWrapped(ReadOnlySpan<byte> request, TransportSession carrier, Span<byte> response)
    {
        State = _pipeline.Execute(State, request, Locality, response, out int length, carrier);
        return length;
    }
}
