using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.SessionManagement;

public struct LoadContextRequest : IWireStructure<LoadContextRequest>
{
    /// <summary>The key that an OSAP or DSAP session is bound to.</summary>
    public uint EntityHandle;
    public bool KeepHandle;

    /// <summary>A TPM_CONTEXT_BLOB.</summary>
    public ReadOnlyMemory<byte> ContextBlob;

    public static void Describe<TCodec>(ref TCodec wire, ref LoadContextRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.EntityHandle);
        wire.Bool(ref value.KeepHandle);
        wire.Sized32(ref value.ContextBlob);
    }
}

public struct LoadContextResponse : IWireStructure<LoadContextResponse>
{
    public uint Handle;

    public static void Describe<TCodec>(ref TCodec wire, ref LoadContextResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.UInt32(ref value.Handle);
}

/// <summary><c>TPM_LoadContext</c>, Part 3 §21.3: brings back what TPM_SaveContext has taken out; a session once, a key as often as wanted.</summary>
public sealed class LoadContext()
    : TpmCommand<LoadContextRequest, LoadContextResponse>(
        TpmOrdinal.LoadContext, Sessions.None, Availability.Owned, Duration.Medium, inHandles: 1, outHandles: 1)
{
    internal override int KeyHandles(ReadOnlySpan<byte> parameters) => 0;

    protected override TpmResult Execute(CommandContext tpm, in LoadContextRequest request, ref LoadContextResponse response)
    {
        if (tpm.OpenContext(request.ContextBlob, out TpmContextBlob blob, out TpmContextSensitive sensitive).Failed(out TpmResult error)) return error;
        return blob.ResourceType switch
        {
            TpmResourceType.Key => LoadKey(tpm, blob, sensitive, request.KeepHandle, out response.Handle),
            TpmResourceType.Auth => LoadSession(tpm, blob, sensitive, request.EntityHandle, request.KeepHandle, out response.Handle),
            TpmResourceType.Trans => LoadTransport(tpm, blob, sensitive, request.KeepHandle, out response.Handle),
            TpmResourceType.DaaTpm => LoadDaaSession(tpm, blob, sensitive, request.KeepHandle, out response.Handle),
            _ => BadContext,
        };
    }

    /// <summary>Actions 5b, 7 and 10, which TPM_LoadKeyContext shares.</summary>
    internal static TpmResult LoadKey(CommandContext tpm, in TpmContextBlob blob, in TpmContextSensitive sensitive, bool keepHandle, out uint handle)
    {
        handle = 0;
        if (WireFormat.Read(sensitive.InternalData.Span, out SavedKey saved, tpm.Scratch) != Success) return BadContext;
        if (!IsValid(tpm, saved, sensitive.ContextNonce)) return BadContext;
        if (keepHandle && tpm.State.Keys.Find(blob.Handle) is not null) return BadHandle;
        if (PcrBinding.Read(saved.Key.PcrInfo, saved.Key.IsKey12, out PcrBinding binding) != Success) return BadContext;
        // What lies in the scratch memory ends with the command.
        if (WireFormat.Read(WireFormat.ToBytes(saved.Key), out TpmKey publicKey) != Success) return BadContext;
        uint exponent = KeyParameters.ExponentOf(publicKey.AlgorithmParms);
        if (tpm.Platform.Rsa.Import(publicKey.PubKey.Key.Span, exponent, saved.Prime.Span) is not { } rsa) return BadContext;
        var key = new LoadedKey
        {
            Handle = 0,
            Key = publicKey,
            UsageAuth = new Secret(saved.UsageAuth.Span),
            MigrationAuth = new Secret(saved.MigrationAuth.Span),
            Payload = saved.Payload,
            Prime = new Secret(saved.Prime.Span),
            Rsa = rsa,
            PubDataDigest = publicKey.PubDataDigest(),
            Binding = binding,
            ParentPcrStatus = saved.ParentPcrStatus,
        };
        return tpm.LoadKey(key, out handle, preferred: blob.Handle);
    }

    /// <summary>Actions 5a, 7, 9 and 10.</summary>
    private static TpmResult LoadSession(
        CommandContext tpm, in TpmContextBlob blob, in TpmContextSensitive sensitive, uint entityHandle, bool keepHandle, out uint handle)
    {
        handle = 0;
        if (ReadSession(tpm, blob, sensitive, out SavedSession saved).Failed(out TpmResult error)) return error;
        bool isOfKey = saved.EntityType == TpmEntityType.KeyHandle;
        if (isOfKey && (tpm.FindKey(entityHandle, out LoadedKey key) != Success || key.Entity != saved.Entity)) return BadHandle;
        if (keepHandle && tpm.State.Sessions.Find(blob.Handle) is not null) return BadHandle;
        return Reopen(tpm, blob, saved, out handle);
    }

    /// <summary>Actions 5a i and ii, and 9: a session that is waiting outside, and whose entity is here and still has its secret.</summary>
    internal static TpmResult ReadSession(CommandContext tpm, in TpmContextBlob blob, in TpmContextSensitive sensitive, out SavedSession saved)
    {
        if (WireFormat.Read(sensitive.InternalData.Span, out saved, tpm.Scratch) != Success || !IsWaiting(tpm, blob, sensitive)) return BadContext;
        if (saved.SharedSecret.IsEmpty) return Success;
        if (tpm.SecretOf(saved.Entity) is not { } secret) return ResourceMissing;
        return saved.EntitySecret.FixedTimeEquals(TpmDigest.Of(secret.Span)) ? Success : ResourceMissing;
    }

    /// <summary>Actions 5a, 7, 9 and 10, for a transport session: no entity of the TPM is behind it.</summary>
    private static TpmResult LoadTransport(
        CommandContext tpm, in TpmContextBlob blob, in TpmContextSensitive sensitive, bool keepHandle, out uint handle)
    {
        handle = 0;
        if (WireFormat.Read(sensitive.InternalData.Span, out TpmTransportInternal saved) != Success) return BadContext;
        if (!IsWaiting(tpm, blob, sensitive)) return BadContext;
        if (keepHandle && tpm.State.Transports.Find(blob.Handle) is not null) return BadHandle;
        ForgetContext(tpm, blob.ContextCount);
        var auth = new AuthSession
        {
            Handle = 0,
            Protocol = TpmProtocolId.Transport,
            NonceEven = saved.TransNonceEven,
            SharedSecret = new Secret(saved.AuthData.ReadOnlySpan),
        };
        var transport = new TransportSession { Auth = auth, Public = saved.TransPublic, Digest = saved.TransDigest };
        return tpm.OpenTransport(transport, out handle, preferred: blob.Handle);
    }

    /// <summary>Actions 5a i and 9: a context of this session of the TPM that was not loaded yet.</summary>
    private static bool IsWaiting(CommandContext tpm, in TpmContextBlob blob, in TpmContextSensitive sensitive)
    {
        StAnyData data = tpm.State.StAnyData;
        return sensitive.ContextNonce == data.ContextNonceSession && data.ContextList.Contains(blob.ContextCount);
    }

    /// <summary>Actions 8 to 10: the session is open again, and its blob is worth nothing any more.</summary>
    internal static TpmResult Reopen(CommandContext tpm, in TpmContextBlob blob, in SavedSession saved, out uint handle)
    {
        ForgetContext(tpm, blob.ContextCount);
        var session = new AuthSession
        {
            Handle = 0,
            Protocol = saved.Protocol,
            NonceEven = saved.NonceEven,
            Entity = saved.Entity,
            SharedSecret = saved.SharedSecret.IsEmpty ? null : new Secret(saved.SharedSecret.Span),
            AdipScheme = saved.AdipScheme,
            Delegation = saved.IsDelegated ? CommandContext.Persistent(saved.Delegation) : null,
        };
        return tpm.OpenSession(session, out handle, preferred: blob.Handle);
    }

    /// <summary>Actions 5a i, and 7 to 10, for a DAA session, which is bound to nothing but this TPM.</summary>
    private static TpmResult LoadDaaSession(CommandContext tpm, in TpmContextBlob blob, in TpmContextSensitive sensitive, bool keepHandle, out uint handle)
    {
        handle = 0;
        if (WireFormat.Read(sensitive.InternalData.Span, out DaaSessionData _, tpm.Scratch) != Success || !IsWaiting(tpm, blob, sensitive)) return BadContext;
        if (keepHandle && tpm.State.DaaSessions.Find(blob.Handle) is not null) return BadHandle;
        ForgetContext(tpm, blob.ContextCount);
        return tpm.OpenDaaSession(new Secret(sensitive.InternalData.Span), out handle, preferred: blob.Handle);
    }

    /// <summary>Takes a session context out of contextList: its blob can never be loaded again.</summary>
    internal static void ForgetContext(CommandContext tpm, uint contextCount) =>
        tpm.State = tpm.State with { StAnyData = tpm.State.StAnyData.WithoutContexts(saved => saved == contextCount) };

    /// <summary>Action 5b. A key that could be loaded again anyway may come back in a later session.</summary>
    private static bool IsValid(CommandContext tpm, in SavedKey saved, in TpmNonce contextNonce)
    {
        if (saved.IsOfPowerSession) return contextNonce == tpm.State.StAnyData.KeyContextNonce;
        bool isLasting = !saved.ParentPcrStatus && !saved.Key.KeyFlags.HasFlag(TpmKeyFlags.IsVolatile);
        return isLasting || contextNonce == tpm.StClearData.ContextNonceKey;
    }
}
