using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Differential.Sides;
using Vtpm.Differential.Steps;
using Vtpm.Wire;

namespace Vtpm.Differential.Commands;

/// <summary>Authorization sessions (Part 3 §18), contexts (§21) and eviction (§22).</summary>
public static class Sessions
{
    public static CommandStep Oiap(int session) => new(TpmOrdinal.Oiap, $"→ session {session}")
    {
        OutHandles = 1,
        Answer = answer => answer.Memory.Sessions[session] =
            new SideSession { Handle = answer.OwnHandle("authHandle"), NonceEven = new TpmNonce(answer.Own("nonceEven", 20)) },
    };

    /// <summary>TPM_OSAP for an entity named by a number that both sides have in common, or for a key.</summary>
    public static CommandStep Osap(int session, int entityType, string entity, Action<RequestWriter> entityValue, byte[] secret)
    {
        byte[] nonceOddOsap = SHA1.HashData(BitConverter.GetBytes(session));
        return new CommandStep(TpmOrdinal.Osap, $"{entity} → session {session}")
        {
            Parameters = request =>
            {
                request.UInt16(entityType);
                entityValue(request);
                request.Literal(nonceOddOsap);
            },
            OutHandles = 1,
            Answer = answer => WithSharedSecret(answer, session, nonceOddOsap, secret),
        };
    }

    /// <summary>The answer to TPM_OSAP and TPM_DSAP: the session's secret comes from the entity's and two nonces.</summary>
    public static void WithSharedSecret(ResponseReader answer, int session, byte[] nonceOdd, byte[] secret)
    {
        uint handle = answer.OwnHandle("authHandle");
        var nonceEven = new TpmNonce(answer.Own("nonceEven", 20));
        byte[] shared = HMACSHA1.HashData(secret, (byte[])[.. answer.Own("nonceEvenOSAP", 20), .. nonceOdd]);
        answer.Memory.Sessions[session] = new SideSession { Handle = handle, NonceEven = nonceEven, SharedSecret = shared };
    }

    public static CommandStep OsapKey(int session, int key, byte[] secret, int entityType = (int)TpmEntityType.KeyHandle) =>
        Osap(session, entityType, Keys.Name(key), request => request.Key(key), secret);

    public static CommandStep OsapOwner(int session, byte[] secret) =>
        Osap(session, (int)TpmEntityType.Owner, "owner", request => request.UInt32(TpmKeyHandle.Owner), secret);

    public static CommandStep OsapSrk(int session, byte[] secret) =>
        Osap(session, (int)TpmEntityType.Srk, "SRK", request => request.UInt32(TpmKeyHandle.Srk), secret);

    public static CommandStep OsapCounter(int session, int counter, byte[] secret) =>
        Osap(session, (int)TpmEntityType.Counter, $"counter {counter}", request => request.OwnHandle(request.Memory.CounterHandle(counter)), secret);

    public static CommandStep OsapNv(int session, uint index, byte[] secret) =>
        Osap(session, (int)TpmEntityType.Nv, $"area {index:x8}", request => request.UInt32(index), secret);

    public static CommandStep FlushSession(int session) =>
        Flush($"session {session}", request => request.OwnHandle(request.Memory.Sessions.GetValueOrDefault(session)?.Handle ?? 0x02BAD000), TpmResourceType.Auth);

    public static CommandStep Terminate(int session) => new(TpmOrdinal.TerminateHandle, $"session {session}")
    {
        Handles = request => request.OwnHandle(request.Memory.Sessions.GetValueOrDefault(session)?.Handle ?? 0x02BAD000),
    };

    /// <summary>Forgets a saved session: its handle is the contextCount in the blob.</summary>
    public static CommandStep FlushContext(int blob) => Flush(
        $"context of blob {blob}",
        request => request.OwnHandle(request.Memory.Blob(blob) is { Length: > 30 } bytes ? BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(26)) : 0),
        TpmResourceType.Context);

    public static CommandStep FlushKey(int key) => Flush(Keys.Name(key), request => request.Key(key), TpmResourceType.Key);

    public static CommandStep Flush(string what, Action<RequestWriter> handle, TpmResourceType type) => new(TpmOrdinal.FlushSpecific, $"{what} as {type}")
    {
        Handles = handle,
        Parameters = request => request.UInt32((uint)type),
    };

    public static CommandStep SaveSession(int session, int blob) => SaveContext(
        $"session {session}",
        request => request.OwnHandle(request.Memory.Sessions.GetValueOrDefault(session)?.Handle ?? 0x02BAD000),
        TpmResourceType.Auth,
        blob);

    public static CommandStep SaveKey(int key, int blob) => SaveContext(Keys.Name(key), request => request.Key(key), TpmResourceType.Key, blob);

    public static CommandStep SaveContext(string what, Action<RequestWriter> handle, TpmResourceType type, int blob) =>
        new(TpmOrdinal.SaveContext, $"{what} as {type} → blob {blob}")
        {
            Handles = handle,
            Parameters = request =>
            {
                request.UInt32((uint)type);
                request.Literal("a label, 16 byte"u8);
            },
            Answer = answer => answer.Memory.Blobs[blob] = ContextBlob(answer),
        };

    /// <summary>TPM_LoadContext under any handle, for what was session or key <paramref name="number"/> and is so again.</summary>
    public static CommandStep LoadContext(int blob, int number, bool isKey) => new(TpmOrdinal.LoadContext, $"blob {blob} → {(isKey ? "key" : "session")} {number}")
    {
        Handles = request => request.OwnHandle(0xFFFFFFFF),
        Parameters = request =>
        {
            request.UInt8(0);
            request.OwnSized32(request.Memory.Blob(blob));
        },
        OutHandles = 1,
        Answer = answer =>
        {
            uint handle = answer.OwnHandle("handle");
            if (isKey) answer.Memory.Keys[number] = handle;
            else if (answer.Memory.Sessions.TryGetValue(number, out SideSession? session)) answer.Memory.Sessions[number] = session.WithHandle(handle);
        },
    };

    /// <summary>TPM_CONTEXT_BLOB: its sensitive data are the maker's, its counters are not.</summary>
    private static byte[] ContextBlob(ResponseReader answer)
    {
        answer.Vendor("contextSize", 4);
        int start = answer.Position;
        answer.UInt16("contextBlob.tag");
        answer.UInt32("contextBlob.resourceType");
        answer.OwnHandle("contextBlob.handle");
        answer.Exact("contextBlob.label", 16);
        answer.UInt32("contextBlob.contextCount");
        answer.Own("contextBlob.integrityDigest", 20);
        answer.VendorSized32("contextBlob.additionalData");
        answer.VendorSized32("contextBlob.sensitiveData");
        return answer.Since(start);
    }
}
