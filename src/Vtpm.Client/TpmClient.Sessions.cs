using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Client;

/// <content>Part 3 §18 (authorization sessions) and §22 (eviction).</content>
public sealed partial class TpmClient
{
    /// <summary><c>TPM_OIAP</c>, Part 3 §18.1: a session for any entity whose secret is <paramref name="secret"/>.</summary>
    public TpmSession Oiap(TpmSecret secret)
    {
        ArgumentNullException.ThrowIfNull(secret);
        (uint handle, TpmNonce nonceEven) = Execute(
            Begin(TpmOrdinal.Oiap),
            static (ref WireReader reader) => (UInt32(ref reader), Structure<TpmNonce>(ref reader)),
            outHandles: 1);
        return new TpmSession(this, handle, nonceEven, secret.Span);
    }

    /// <summary><c>TPM_OSAP</c>, Part 3 §18.2: a session for one entity, under which new authorization data can be sent.</summary>
    public TpmSession Osap(TpmEntityType entityType, uint entityValue, TpmSecret secret)
    {
        ArgumentNullException.ThrowIfNull(secret);
        TpmNonce nonceOddOsap = default;
        RandomNumberGenerator.Fill(nonceOddOsap.Span);
        TpmRequest request = Begin(TpmOrdinal.Osap);
        request.UInt16((ushort)entityType);
        request.UInt32(entityValue);
        request.Structure(nonceOddOsap);
        (uint handle, TpmNonce nonceEven, TpmNonce nonceEvenOsap) = Execute(
            request,
            static (ref WireReader reader) => (UInt32(ref reader), Structure<TpmNonce>(ref reader), Structure<TpmNonce>(ref reader)),
            outHandles: 1);

        Span<byte> nonces = stackalloc byte[2 * TpmNonce.Size];
        nonceEvenOsap.ReadOnlySpan.CopyTo(nonces);
        nonceOddOsap.ReadOnlySpan.CopyTo(nonces[TpmNonce.Size..]);
        Span<byte> shared = stackalloc byte[TpmAuthData.Size];
        HMACSHA1.HashData(secret.Span, nonces, shared);
        var session = new TpmSession(this, handle, nonceEven, shared);
        CryptographicOperations.ZeroMemory(shared);
        return session;
    }

    /// <summary><c>TPM_FlushSpecific</c>, Part 3 §22.1.</summary>
    public void FlushSpecific(uint handle, TpmResourceType resourceType)
    {
        TpmRequest request = Begin(TpmOrdinal.FlushSpecific);
        request.UInt32(handle);
        request.UInt32((uint)resourceType);
        Execute(request);
    }

    /// <summary><c>TPM_EvictKey</c>, Part 3 §28.1: what TPMs before FlushSpecific had.</summary>
    public void EvictKey(uint keyHandle)
    {
        TpmRequest request = Begin(TpmOrdinal.EvictKey);
        request.UInt32(keyHandle);
        Execute(request);
    }
}
