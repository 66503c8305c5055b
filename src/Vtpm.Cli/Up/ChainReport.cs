using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Manager;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Cli;

/// <summary>Shows the chain: hardware TPM, manager, vTPM, with versions, PCRs and endorsement keys.</summary>
internal static class ChainReport
{
    /// <param name="folder">Where the chain is.</param>
    /// <param name="hardware">Its hardware TPM; null for the stand-in.</param>
    /// <param name="ownerAuth">The secret of the stand-in's owner, which is the manager.</param>
    public static void Show(ChainFolder folder, TpmAddress? hardware, string ownerAuth)
    {
        Log.Line("");
        Log.Line("hardware TPM   " + (hardware is null ? $"stand-in, {folder.HardwareState}: its secrets are only as safe as this file" : hardware.ToString()));
        // A hardware TPM may have one user at a time, and that is the manager: what it lets through must do.
        if (hardware is null) ShowTpm(TpmAddress.Unix(folder.HardwareSocket), ownerAuth);
        else ShowThroughManager(TpmAddress.Unix(folder.ManagerSocket));
        Log.Line("     |  seals the manager's key to its PCRs");
        Log.Line($"manager        {folder.ManagerImage}");
        Log.Line($"     approval key {folder.ApprovalKey}: {(File.Exists(folder.ApprovalKey) ? "whoever has it decides what opens the manager's image. Keep a copy elsewhere" : "not here")}");
        Log.Line("     |  keeps the vTPM's key");
        Log.Line($"vTPM           {folder.Uuid}, {folder.VtpmImage}");
        ShowTpm(TpmAddress.Unix(folder.VtpmSocket), ownerAuth: null);
        Log.Line("");
    }

    private static void ShowTpm(TpmAddress address, string? ownerAuth)
    {
        using var tpm = new TpmClient(TpmConnection.Open(address));
        TpmCapVersionInfo version = tpm.GetVersion();
        TpmVersion v = version.Version;
        Log.Line($"     version {v.Major}.{v.Minor}.{v.RevMajor}.{v.RevMinor}, level {version.SpecLevel}, vendor 0x{version.TpmVendorId:x8}, at {address}");
        Log.Line($"     EK SHA-256 {EndorsementKey(tpm, ownerAuth)}");
        ShowPcrs(tpm);
    }

    private static string EndorsementKey(TpmClient tpm, string? ownerAuth)
    {
        try
        {
            return Fingerprint(tpm.ReadPubek());
        }
        catch (TpmCommandException exception) when (exception.Result == TpmResult.NoEndorsement)
        {
            return "(none yet)";
        }
        catch (TpmCommandException exception) when (exception.Result == TpmResult.DisabledCmd && ownerAuth is not null)
        {
            return OwnersEndorsementKey(tpm, ownerAuth);
        }
        catch (TpmCommandException exception)
        {
            return exception.Result == TpmResult.DisabledCmd ? "(for the owner of the vTPM alone)" : $"({exception.Result})";
        }
    }

    /// <summary>The manager has closed TPM_ReadPubek and is the owner: we ask as it does. (Not of a real TPM, which counts wrong guesses.)</summary>
    private static string OwnersEndorsementKey(TpmClient tpm, string ownerAuth)
    {
        try
        {
            using TpmSecret owner = TpmSecret.Parse(Options.ReadSecret("--owner-auth", ownerAuth));
            using TpmSession session = tpm.Oiap(owner);
            return Fingerprint(tpm.OwnerReadInternalPub(TpmKeyHandle.EK, session));
        }
        catch (Exception exception) when (exception is TpmCommandException or UsageException)
        {
            return "(for the owner alone; the manager's log has it)";
        }
    }

    private static string Fingerprint(TpmPubKey key) => Convert.ToHexStringLower(SHA256.HashData(key.PubKey.Key.Span));

    private static void ShowThroughManager(TpmAddress address)
    {
        Log.Line("     version and endorsement key: the manager says them when it starts");
        using var tpm = new TpmClient(TpmConnection.Open(address));
        try
        {
            ShowPcrs(tpm);
        }
        catch (TpmCommandException exception) when (exception.Result == TpmResult.DisabledCmd)
        {
            Log.Line("     PCRs: a TPM 2.0 without a bank of SHA-1, by which alone they could be shown here");
        }
    }

    private static void ShowPcrs(TpmClient tpm)
    {
        var values = Enumerable.Range(0, 24).Select(pcr => (Pcr: pcr, Value: tpm.PcrRead((uint)pcr).ToString())).ToArray();
        foreach (var group in values.GroupBy(item => item.Value).OrderBy(group => group.First().Pcr))
            Log.Line($"     PCR {Ranges([.. group.Select(item => item.Pcr)]),-12} {group.Key}");
    }

    private static string Ranges(int[] pcrs) => PcrList.Describe(pcrs.Aggregate(0u, (mask, pcr) => mask | 1u << pcr));
}
