using Vtpm.Client;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <content>What happens once at the start.</content>
internal sealed partial class Tpm2Hardware
{
    /// <summary>TPM_PT_FAMILY_INDICATOR: "2.0".</summary>
    private const uint Family20 = 0x322E3000;

    private const uint AllPcrs = (1u << PcrList.Count) - 1;

    /// <summary>The banks that can be sealed to, the best first.</summary>
    private static readonly TpmAlgId[] Preferred = [TpmAlgId.Sha256, TpmAlgId.Sha384, TpmAlgId.Sha512, TpmAlgId.Sha1];

    private IReadOnlyDictionary<TpmAlgId, uint> _banks = new Dictionary<TpmAlgId, uint>();

    /// <summary>The bank that is sealed to.</summary>
    private TpmAlgId _bank;

    private void SetUp()
    {
        try
        {
            Use(tpm =>
            {
                tpm.SelfTest();
                if (!tpm.Has(Tpm2Policy.Hash))
                    throw new ManagerException("the hardware TPM has no SHA-1, by which platforms are approved (of the values of its PCRs, in whichever bank): it cannot be used");
                _banks = tpm.GetBanks();
                _bank = Preferred.FirstOrDefault(_banks.ContainsKey);
                if (_bank == default)
                    throw new ManagerException("the hardware TPM has no active bank of PCRs by SHA-256, SHA-384, SHA-512 or SHA-1: activate the SHA-256 bank in the firmware's set-up");
                Summary = Describe(tpm);
                _keys.Get(tpm);
                return true;
            });
            _log.TpmInfo($"seals to PCRs of the bank TPM_ALG_{_bank}");
        }
        catch (Tpm2CommandException e) when (e.Result == TpmRc.Failure)
        {
            throw new ManagerException("the hardware TPM has failed its self-test: a power cycle may help, else it is broken", e);
        }
        catch (TpmException e)
        {
            throw new ManagerException($"the hardware TPM cannot be set up: {e.Message}", e);
        }
    }

    private HardwareSummary Describe(Tpm2Client tpm)
    {
        uint firmware = tpm.GetProperty(TpmPt.FirmwareVersion1);
        uint manufacturer = tpm.GetProperty(TpmPt.Manufacturer);
        char[] letters = [.. Enumerable.Range(0, sizeof(uint)).Select(i => (char)(manufacturer >> (24 - 8 * i) & 0xFF))];
        return new HardwareSummary
        {
            Family = VtpmManagerPlatformResponse.Tpm20,
            PcrBank = (ushort)_bank,
            ChipVersion = $"2.0.{firmware >> 16}.{firmware & 0xFFFF}",
            SpecLevel = (int)tpm.GetProperty(TpmPt.Level),
            ErrataRevision = (int)tpm.GetProperty(TpmPt.Revision),
            Vendor = letters.All(c => c is >= ' ' and <= '~' or '\0') ? new string(letters).TrimEnd('\0', ' ') : $"{manufacturer:x8}",
            Pcrs = (_banks.GetValueOrDefault(TpmAlgId.Sha1) & AllPcrs) == AllPcrs ? [.. tpm.PcrRead(TpmAlgId.Sha1, AllPcrs).Select(value => new TpmDigest(value))] : [],
            TookOwnership = false,
            EndorsementKey = default,
        };
    }
}
