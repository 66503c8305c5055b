namespace Vtpm.Instance;

/// <summary>
/// The guests of a vTPM that has a domain of its own, which outlives them: another domain is another boot, and begins with PCRs of its own. The same one
/// may close its device and open it again; its TPM stays as it was.
/// </summary>
/// <param name="reset">The platform is reset (<see cref="VirtualTpm.Reset"/>).</param>
/// <param name="log">Takes what must be seen.</param>
public sealed class GuestDomains(Action reset, Action<string> log)
{
    private uint? _guest;
    private int _open;

    /// <summary>A domain gets the TPM as its device, before it can send anything.</summary>
    /// <returns>False when it must not have it: the TPM does not start for it.</returns>
    public bool Open(uint domain)
    {
        if (_open == 0 && _guest is { } last && last != domain)
        {
            try
            {
                log($"domain {domain} follows domain {last}: the TPM starts as for another boot");
                reset();
            }
            catch (VtpmStartException e)
            {
                log($"domain {domain} gets no TPM: {e.Message}");
                return false;
            }
        }
        else if (_open > 0 && _guest != domain) log($"domain {domain} shares the TPM of domain {_guest}, its PCRs too");
        if (_open == 0) _guest = domain;
        _open++;
        return true;
    }

    /// <summary>A device that was opened is gone.</summary>
    public void Close() => _open--;
}
