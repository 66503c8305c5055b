using System.Buffers.Binary;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.SessionManagement;

public struct SaveContextRequest : IWireStructure<SaveContextRequest>
{
    public uint Handle;
    public TpmResourceType ResourceType;

    /// <summary>16 bytes.</summary>
    public ReadOnlyMemory<byte> Label;

    public static void Describe<TCodec>(ref TCodec wire, ref SaveContextRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.Handle);
        wire.Enum(ref value.ResourceType);
        wire.Exact(ref value.Label, 16);
    }
}

public struct SaveContextResponse : IWireStructure<SaveContextResponse>
{
    /// <summary>A TPM_CONTEXT_BLOB.</summary>
    public ReadOnlyMemory<byte> ContextBlob;

    public static void Describe<TCodec>(ref TCodec wire, ref SaveContextResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Sized32(ref value.ContextBlob);
}

/// <summary><c>TPM_SaveContext</c>, Part 3 §21.2: takes a session out of the TPM, or a copy of a key, in a blob that only this TPM opens.</summary>
public sealed class SaveContext()
    : TpmCommand<SaveContextRequest, SaveContextResponse>(TpmOrdinal.SaveContext, Sessions.None, Availability.Owned, Duration.Medium, inHandles: 1)
{
    internal override int KeyHandles(ReadOnlySpan<byte> parameters) => NamesKey(parameters) ? 1 : 0;

    protected override TpmResult Execute(CommandContext tpm, in SaveContextRequest request, ref SaveContextResponse response) => request.ResourceType switch
    {
        TpmResourceType.Key => SaveKey(tpm, request, isOfPowerSession: false, ref response),
        TpmResourceType.Auth => SaveSession(tpm, request, out _, ref response),
        TpmResourceType.Trans => SaveTransport(tpm, request, ref response),
        TpmResourceType.DaaTpm => SaveDaaSession(tpm, request, ref response),
        _ => InvalidResource,
    };

    /// <summary>Whether a handle with a resource type behind it, as TPM_FlushSpecific has them too, is that of a key.</summary>
    internal static bool NamesKey(ReadOnlySpan<byte> parameters) =>
        parameters.Length >= 8 && BinaryPrimitives.ReadUInt32BigEndian(parameters[4..]) == (uint)TpmResourceType.Key;

    /// <summary>The actions for a key, which TPM_SaveKeyContext shares: its blobs have a nonce of their own.</summary>
    internal static TpmResult SaveKey(CommandContext tpm, in SaveContextRequest request, bool isOfPowerSession, ref SaveContextResponse response)
    {
        if (!tpm.State.Keys.TryFind(request.Handle, out LoadedKey? key)) return InvalidResource;
        if (key.OwnerEvict) return OwnerControl;
        TpmNonce nonce = isOfPowerSession ? tpm.State.StAnyData.KeyContextNonce : tpm.StClearData.ContextNonceKey;
        if (nonce == default)
        {
            nonce = tpm.NewNonce();
            if (isOfPowerSession) tpm.State = tpm.State with { StAnyData = tpm.State.StAnyData with { KeyContextNonce = nonce } };
            else tpm.StClearData = tpm.StClearData with { ContextNonceKey = nonce };
        }

        var saved = new SavedKey
        {
            IsOfPowerSession = isOfPowerSession,
            Key = key.Key,
            UsageAuth = tpm.CopyToScratch(key.UsageAuth.Span),
            MigrationAuth = tpm.CopyToScratch(key.MigrationAuth.Span),
            Payload = key.Payload,
            Prime = tpm.CopyToScratch(key.Prime.Span),
            ParentPcrStatus = key.ParentPcrStatus,
        };
        TpmContextBlob blob = Blob(request, contextCount: 0);
        response.ContextBlob = tpm.SealContext(blob, nonce, saved);
        return Success;
    }

    /// <summary>The actions for a session, which TPM_SaveAuthContext shares.</summary>
    internal static TpmResult SaveSession(CommandContext tpm, in SaveContextRequest request, out uint contextCount, ref SaveContextResponse response)
    {
        contextCount = 0;
        if (!tpm.State.Sessions.TryFind(request.Handle, out AuthSession? session)) return InvalidResource;
        if (AddContext(tpm, isOfDelegate: session.Delegation is not null, out contextCount).Failed(out TpmResult error)) return error;
        bool isBound = session.SharedSecret is not null;
        Secret? entitySecret = isBound ? tpm.SecretOf(session.Entity) : null;
        var saved = new SavedSession
        {
            Protocol = session.Protocol,
            NonceEven = session.NonceEven,
            AdipScheme = session.AdipScheme,
            EntityType = session.Entity.Type,
            EntityDigest = session.Entity.Digest,
            EntitySecret = entitySecret is null ? default : TpmDigest.Of(entitySecret.Span),
            SharedSecret = isBound ? tpm.CopyToScratch(session.SharedSecret!.Span) : default,
            IsDelegated = session.Delegation is not null,
            Delegation = session.Delegation ?? default,
        };
        TpmContextBlob blob = Blob(request, contextCount);
        TpmDigest entity = session.Entity.Digest;
        response.ContextBlob = tpm.SealContext(blob, tpm.State.StAnyData.ContextNonceSession, saved, isBound ? entity.ReadOnlySpan : default);
        tpm.State = tpm.State with { Sessions = tpm.State.Sessions.Remove(session.Handle) };
        return Success;
    }

    private static TpmResult SaveTransport(CommandContext tpm, in SaveContextRequest request, ref SaveContextResponse response)
    {
        if (!tpm.State.Transports.TryFind(request.Handle, out TransportSession? transport)) return InvalidResource;
        // Not by a command in the session itself: its nonce is used up with that command, and would come back with the blob. It is also the only way
        // to save an exclusive session, from which other commands could then be hidden.
        if (transport.Handle == tpm.Carrier?.Handle) return InvalidResource;
        if (AddContext(tpm, isOfDelegate: false, out uint contextCount).Failed(out TpmResult error)) return error;
        var saved = new TpmTransportInternal
        {
            AuthData = new TpmAuthData(transport.Auth.SharedSecret!.Span),
            TransPublic = transport.Public,
            TransHandle = transport.Handle,
            TransNonceEven = transport.Auth.NonceEven,
            TransDigest = transport.Digest,
        };
        TpmContextBlob blob = Blob(request, contextCount);
        response.ContextBlob = tpm.SealContext(blob, tpm.State.StAnyData.ContextNonceSession, saved);
        tpm.State = tpm.State with { Transports = tpm.State.Transports.Remove(transport.Handle) };
        return Success;
    }

    private static TpmResult SaveDaaSession(CommandContext tpm, in SaveContextRequest request, ref SaveContextResponse response)
    {
        if (!tpm.State.DaaSessions.TryFind(request.Handle, out DaaSession? session)) return InvalidResource;
        if (AddContext(tpm, isOfDelegate: false, out uint contextCount).Failed(out TpmResult error)) return error;
        if (WireFormat.Read(session.Data.Span, out DaaSessionData saved, tpm.Scratch) != Success) return Fail;
        TpmContextBlob blob = Blob(request, contextCount);
        response.ContextBlob = tpm.SealContext(blob, tpm.State.StAnyData.ContextNonceSession, saved);
        tpm.State = tpm.State with { DaaSessions = tpm.State.DaaSessions.Remove(session.Handle) };
        return Success;
    }

    /// <summary>Actions 8 to 10, without the secrets.</summary>
    private static TpmContextBlob Blob(in SaveContextRequest request, uint contextCount) =>
        new() { ResourceType = request.ResourceType, Handle = request.Handle, Label = request.Label, ContextCount = contextCount };

    /// <summary>Actions 4b and 10: the nonce of the session contexts, and a place for this one in contextList.</summary>
    private static TpmResult AddContext(CommandContext tpm, bool isOfDelegate, out uint contextCount)
    {
        StAnyData data = tpm.State.StAnyData;
        contextCount = data.ContextCount;
        if (contextCount == uint.MaxValue) return TooManyContexts;
        if (data.ContextList.Count > 0 && contextCount - data.ContextList[0] >= tpm.Platform.Profile.ContextDistance) return ContextGap;
        if (data.ContextList.Count >= tpm.Platform.Profile.ContextSlots) return NoContextSpace;
        contextCount++;
        tpm.State = tpm.State with
        {
            StAnyData = data with
            {
                ContextNonceSession = data.ContextNonceSession == default ? tpm.NewNonce() : data.ContextNonceSession,
                ContextCount = contextCount,
                ContextList = [.. data.ContextList, contextCount],
                DelegatedContextList = isOfDelegate ? [.. data.DelegatedContextList, contextCount] : data.DelegatedContextList,
            },
        };
        return Success;
    }
}
