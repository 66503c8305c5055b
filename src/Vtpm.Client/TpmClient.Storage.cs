using Vtpm.Wire;

namespace Vtpm.Client;

/// <content>Part 3 §10 (storage functions).</content>
public sealed partial class TpmClient
{
    /// <summary>
    /// <c>TPM_Seal</c>, Part 3 §10.1. <paramref name="keyAuth"/> is an OSAP session for the key, <paramref name="dataSecret"/> what Unseal will have
    /// to
    /// know, <paramref name="pcrInfo"/> empty or a TPM_PCR_INFO or TPM_PCR_INFO_LONG.
    /// </summary>
    public TpmStoredData Seal(uint keyHandle, TpmSession keyAuth, TpmSecret dataSecret, ReadOnlySpan<byte> pcrInfo, ReadOnlySpan<byte> inData)
    {
        ArgumentNullException.ThrowIfNull(keyAuth);
        ArgumentNullException.ThrowIfNull(dataSecret);
        TpmRequest request = Begin(TpmOrdinal.Seal);
        request.Handle(keyHandle);
        request.Structure(keyAuth.Encrypt(dataSecret));
        request.Sized32(pcrInfo);
        request.Sized32(inData);
        return ExecuteFor<TpmStoredData>(request, keyAuth);
    }

    /// <summary><c>TPM_Unseal</c>, Part 3 §10.2. The plaintext is the caller's to zero.</summary>
    public byte[] Unseal(uint parentHandle, TpmSession parentAuth, TpmSession dataAuth, TpmStoredData inData)
    {
        TpmRequest request = Begin(TpmOrdinal.Unseal);
        request.Handle(parentHandle);
        request.Structure(inData);
        return Execute(request, Sized32, 0, parentAuth, dataAuth);
    }

    /// <summary><c>TPM_CreateWrapKey</c>, Part 3 §10.4; <paramref name="parentAuth"/> is an OSAP session for the parent.</summary>
    public TpmKey CreateWrapKey(uint parentHandle, TpmSession parentAuth, TpmSecret usageSecret, TpmSecret migrationSecret, TpmKey keyInfo)
    {
        ArgumentNullException.ThrowIfNull(parentAuth);
        ArgumentNullException.ThrowIfNull(usageSecret);
        ArgumentNullException.ThrowIfNull(migrationSecret);
        TpmRequest request = Begin(TpmOrdinal.CreateWrapKey);
        request.Handle(parentHandle);
        request.Structure(parentAuth.Encrypt(usageSecret));
        request.Structure(parentAuth.Encrypt(migrationSecret, second: true));
        request.Structure(keyInfo);
        return ExecuteFor<TpmKey>(request, parentAuth);
    }

    /// <summary><c>TPM_LoadKey2</c>, Part 3 §10.5: the handle is not in the authorized part of the response.</summary>
    public uint LoadKey2(uint parentHandle, TpmSession parentAuth, TpmKey inKey) =>
        Load(TpmOrdinal.LoadKey2, parentHandle, parentAuth, inKey, outHandles: 1);

    /// <summary><c>TPM_LoadKey</c>, Part 3 §28.12: as LoadKey2, but the handle is authorized, so that nobody in between can change it.</summary>
    public uint LoadKey(uint parentHandle, TpmSession parentAuth, TpmKey inKey) =>
        Load(TpmOrdinal.LoadKey, parentHandle, parentAuth, inKey, outHandles: 0);

    /// <summary><c>TPM_GetPubKey</c>, Part 3 §10.6.</summary>
    public TpmPubKey GetPubKey(uint keyHandle, TpmSession keyAuth)
    {
        TpmRequest request = Begin(TpmOrdinal.GetPubKey);
        request.Handle(keyHandle);
        return ExecuteFor<TpmPubKey>(request, keyAuth);
    }

    private uint Load(TpmOrdinal ordinal, uint parentHandle, TpmSession parentAuth, TpmKey inKey, int outHandles)
    {
        TpmRequest request = Begin(ordinal);
        request.Handle(parentHandle);
        request.Structure(inKey);
        return Execute(request, UInt32, outHandles, parentAuth);
    }
}
